// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { join } from "node:path";
import { GrpcClient } from "../protocol/grpc/mod.ts";
import { RuntimeService } from "../protocol/gen/cri_pb.ts";
import { killAll } from "./proc.ts";
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

export interface NodeOptions {
  /** Merged over the configuration of `tests/node_config.ts`, whose pods are of the provider `process`. */
  readonly config?: Record<string, unknown>;
  /** Command that is the agent of the VMs of provider `process`. @default that of the source tree */
  readonly agentCommand?: readonly string[];
  /** The node's first module. @default that of the source tree */
  readonly main?: string;
}

export async function startNode({ config = {}, agentCommand, main }: NodeOptions = {}): Promise<BenchNode> {
  await using stack = new AsyncDisposableStack();
  const work = await Deno.makeTempDir({ prefix: "inf-bench-" });
  stack.defer(() => Deno.remove(work, { recursive: true }));
  // VMs outlive their node. A benchmark that ended well has removed its own.
  stack.defer(() => killAll(work));
  const local = { kind: "process", directory: join(work, "vms"), agentCommand };
  const places = await nodeConfig(work, { ...(agentCommand && { providers: { local } }), ...config });
  const process = stack.use(await NodeProcess.start(places, {}, main));
  const client = stack.use(new GrpcClient(`unix:${places.socket}`));
  const parts = stack.move();
  const runtime = runtimeOf(client);
  return { config: places, process, runtime, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

/** Configuration of a node whose pods exist in its memory only. */
export const FAKE: Record<string, unknown> = {
  providers: { local: { kind: "fake" } },
  profiles: { fake: { provider: "local" } },
  defaultProfile: "fake",
};
