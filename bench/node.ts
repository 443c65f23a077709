// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { GrpcClient } from "../protocol/grpc/mod.ts";
import { RuntimeService } from "../protocol/gen/cri_pb.ts";
import { nodeConfig, type TestNode } from "../tests/node_config.ts";
import { NodeProcess } from "../tests/node_process.ts";

export type Runtime = ReturnType<typeof runtimeOf>;

function runtimeOf(client: GrpcClient) {
  return client.service(RuntimeService);
}

/** A node process of its own, with a folder of its own and a client. All of it is gone when it is disposed of. */
export interface BenchNode extends AsyncDisposable {
  readonly config: TestNode;
  readonly process: NodeProcess;
  readonly runtime: Runtime;
}

/** @param extra Merged over the configuration of `tests/node_config.ts`, whose pods are of the provider `process` */
export async function startNode(extra: Record<string, unknown> = {}): Promise<BenchNode> {
  await using stack = new AsyncDisposableStack();
  const work = await Deno.makeTempDir({ prefix: "inf-bench-" });
  stack.defer(() => Deno.remove(work, { recursive: true }));
  const config = await nodeConfig(work, extra);
  const process = stack.use(await NodeProcess.start(config));
  const client = stack.use(new GrpcClient(`unix:${config.socket}`));
  const parts = stack.move();
  return { config, process, runtime: runtimeOf(client), [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

/** Configuration of a node whose pods exist in its memory only. */
export const FAKE: Record<string, unknown> = {
  providers: { local: { kind: "fake" } },
  profiles: { fake: { provider: "local" } },
  defaultProfile: "fake",
};
