// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * `deno run client.ts <socket> <connections> <calls> [stay]`: so many connections one after the other, each closed
 * after its calls. With `stay` the last one is kept, "called" is written, and after the end of stdin it is found
 * out whether the process outlived its server: one more call must fail with UNAVAILABLE. Writes the server's resident memory.
 */

import { RuntimeService } from "../../protocol/gen/cri_pb.ts";
import { GrpcClient } from "../../protocol/grpc/mod.ts";
import { Code, RpcError } from "../../protocol/status.ts";

const [socket, connections, calls, stay] = Deno.args;

async function callOften(client: GrpcClient): Promise<number> {
  const runtime = client.service(RuntimeService);
  let rss = 0;
  for (let n = 0; n < Number(calls); n++) {
    const answer = await runtime.version({ version: String(n) }, { timeoutMs: 10_000 });
    if (answer.version !== String(n)) throw new Error(`Asked with ${n}, answered with ${answer.version}`);
    rss = Number(answer.runtimeVersion);
  }
  return rss;
}

async function outlive(client: GrpcClient): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode("called\n"));
  await Deno.stdin.read(new Uint8Array(1));
  const call = client.service(RuntimeService).version({}, { timeoutMs: 10_000 });
  const error = await call.then(() => undefined, (error) => error);
  if (!(error instanceof RpcError && error.code === Code.UNAVAILABLE)) {
    throw new Error("The server is gone, but a call has not failed with UNAVAILABLE", { cause: error });
  }
}

let rss = 0;
for (let n = 0; n < Number(connections); n++) {
  using client = new GrpcClient(`unix:${socket}`);
  rss = await callOften(client);
  if (stay) await outlive(client);
}
await Deno.stdout.write(new TextEncoder().encode(`${rss}\n`));
