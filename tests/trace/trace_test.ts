// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { RESERVED_IMAGE, RESERVED_IMAGE_ID } from "../../cri/images/reserved.ts";
import { ImageService, RuntimeService } from "../../protocol/gen/cri_pb.ts";
import { GrpcClient } from "../../protocol/grpc/mod.ts";
import { Code, RpcError } from "../../protocol/status.ts";
import { leftOn, nodeConfig } from "../node_config.ts";
import { NodeProcess } from "../node_process.ts";
import { CLIENT_RULES } from "./client_rules.ts";
import { hostPaths, parseTrace, replaceIds, type TracedCall } from "./trace.ts";

/** Recorded calls that this node does not answer yet. */
const UNIMPLEMENTED = new Set(["Exec", "PortForward"]);

class Player {
  readonly #services: Record<string, (request: unknown, options: { timeoutMs: number }) => Promise<unknown>>;
  readonly #made: string[] = [];

  constructor(client: GrpcClient) {
    this.#services = { ...client.service(RuntimeService), ...client.service(ImageService) } as never;
  }

  async play({ method, request }: TracedCall): Promise<void> {
    replaceIds(request, this.#made);
    const call = this.#services[method.localName]!;
    if (UNIMPLEMENTED.has(method.name)) {
      await assert.rejects(
        call(request, { timeoutMs: 30_000 }),
        (error) => error instanceof RpcError && error.code === Code.UNIMPLEMENTED,
      );
      return;
    }
    const answer = await call(request, { timeoutMs: 30_000 }) as {
      podSandboxId?: string;
      containerId?: string;
    };
    CLIENT_RULES[method.name]?.(answer);
    if (method.name === "RunPodSandbox") this.#made.push(answer.podSandboxId!);
    if (method.name === "CreateContainer") this.#made.push(answer.containerId!);
  }
}

/** Whatever the recording left running is taken away as a kubelet does it. */
async function removeEverything(client: GrpcClient): Promise<void> {
  const runtime = client.service(RuntimeService);
  for (const { id } of (await runtime.listPodSandbox({})).items) {
    await runtime.stopPodSandbox({ podSandboxId: id });
    await runtime.removePodSandbox({ podSandboxId: id });
  }
}

for (const name of ["kubelet_standalone", "kubelet_apiserver"]) {
  Deno.test(`the recorded calls of ${name} are answered as its client wants`, async () => {
    const work = await Deno.makeTempDir({ prefix: "inf-trace-" });
    await using cleanup = new AsyncDisposableStack();
    cleanup.defer(() => Deno.remove(work, { recursive: true }));
    const calls = parseTrace(await Deno.readTextFile(join(import.meta.dirname!, `${name}.jsonl`)), {
      kubelet: join(work, "kubelet"),
      podLogs: join(work, "pods"),
      imageId: RESERVED_IMAGE_ID,
      imageName: RESERVED_IMAGE,
    });
    for (const path of hostPaths(calls)) {
      await Deno.mkdir(dirname(path), { recursive: true });
      await Deno.writeTextFile(path, "");
    }
    const node = await nodeConfig(work, {
      providers: { fake: { kind: "fake" } },
      profiles: { fake: { provider: "fake" } },
      defaultProfile: "fake",
    });
    const process = cleanup.use(await NodeProcess.start(node));
    using client = new GrpcClient(`unix:${node.socket}`);
    const player = new Player(client);
    for (const [index, call] of calls.entries()) {
      await player.play(call).catch((error) => {
        throw new Error(`Call ${index + 1} of the trace, ${call.method.name}, went wrong: ${error.message}`, {
          cause: error,
        });
      });
    }
    await removeEverything(client);
    assert.deepEqual(await leftOn(node), []);
    assert.equal((await process.end("SIGTERM")).code, 0);
  });
}
