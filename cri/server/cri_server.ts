// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { Clock } from "../../lib/clock.ts";
import { ImageService, RuntimeService } from "../../protocol/gen/cri_pb.ts";
import { GrpcServer, type Handlers } from "../../protocol/grpc/mod.ts";
import { closeOnExec } from "./close_on_exec.ts";
import { instrument } from "./instrument.ts";
import { bindSocket, type SocketOptions } from "./unix_socket.ts";

export interface CriServerOptions {
  readonly socket: SocketOptions;
  readonly clock: Clock;
  /** For calls in flight when the server is closed. */
  readonly graceMs: number;
  readonly runtime: Handlers<typeof RuntimeService>;
  readonly image: Handlers<typeof ImageService>;
}

/**
 * Serves CRI v1 on its unix socket. Disposing takes no more calls, gives those in flight their grace and removes the
 * socket.
 */
export async function serveCri(options: CriServerOptions): Promise<AsyncDisposable> {
  const { socket, clock, graceMs, runtime, image } = options;
  const server = new GrpcServer({ wrappers: [instrument(clock)] })
    .service(RuntimeService, runtime)
    .service(ImageService, image);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => server.close({ graceMs }));
  const bound = await bindSocket(socket, async (path) => {
    await server.listen(`unix:${path}`);
    // Before the first call comes, which may start a child process.
    await closeOnExec(path);
  });
  // The socket goes first, so that nobody finds one that does not answer.
  stack.use(bound);
  const kept = stack.move();
  return { [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
