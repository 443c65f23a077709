// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** For tests: server and client of CRI over a unix socket in a temporary folder. */

import assert from "node:assert/strict";
import { RuntimeService } from "../gen/cri_pb.ts";
import { type Code, RpcError } from "../status.ts";
import { type ClientMethods, GrpcClient, GrpcServer, type GrpcServerOptions, type Handlers } from "./mod.ts";

export type Runtime = typeof RuntimeService;

export interface Peer {
  readonly client: ClientMethods<Runtime>;
  readonly server: GrpcServer;
  readonly address: string;
  disconnect(): void;
}

/** Runs `test` against a server with these handlers and closes everything. */
export async function withRuntime(
  handlers: Handlers<Runtime>,
  test: (peer: Peer) => Promise<void>,
  options: GrpcServerOptions = {},
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const address = `unix:${folder}/s`;
  const server = new GrpcServer(options).service(RuntimeService, handlers);
  const client = new GrpcClient(address);
  try {
    await server.listen(address);
    await test({ client: client.service(RuntimeService), server, address, disconnect: () => client.close() });
  } finally {
    client.close();
    await server.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** For `assert.rejects`: an RpcError of this code whose message matches. */
export function rpcError(code: Code, message: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof RpcError, `Not an RpcError: ${error}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}

/** Resolves with the signal's reason once it has fired. */
export function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    else signal.addEventListener("abort", () => resolve(signal.reason), { once: true });
  });
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
