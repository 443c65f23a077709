// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { Hono } from "hono";
import { getLogger } from "@logtape/logtape";
import { bindSocket, type SocketOptions } from "./unix_socket.ts";

const logger = getLogger(["infranetes", "client"]);

/**
 * Serves the client API on its unix socket. Disposing stops listening, lets answers under way finish and removes the
 * socket; long answers (logs that are followed, commands) must end by themselves then.
 */
export async function serveClients(app: Hono, socket: SocketOptions): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  let server: Deno.HttpServer<Deno.UnixAddr>;
  const bound = await bindSocket(socket, async (path) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    server = Deno.serve({
      path,
      onListen: () => resolve(),
      onError: (error) => {
        logger.error("A call of the client API failed: {error}", { error });
        return new Response("Internal error", { status: 500 });
      },
    }, (request) => answer(app, request));
    await promise;
  });
  stack.use(bound);
  stack.defer(() => server.shutdown());
  const kept = stack.move();
  return { [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function answer(app: Hono, request: Request): Promise<Response> {
  const begin = performance.now();
  const response = await app.fetch(request);
  const properties = {
    method: request.method,
    path: new URL(request.url).pathname,
    status: response.status,
    ms: Math.round(performance.now() - begin),
  };
  if (request.method === "GET") logger.debug("{method} {path}", properties);
  else logger.info("{method} {path}", properties);
  return response;
}
