// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { type DescMethod, fromBinary } from "@bufbuild/protobuf";
import {
  ListContainersResponseSchema,
  ListPodSandboxResponseSchema,
  RuntimeService,
} from "../protocol/gen/cri_pb.ts";
import { Code, RpcError } from "../protocol/status.ts";
import type { Bench } from "./bench.ts";
import { Http2Caller } from "./http2_caller.ts";
import { type BenchNode, FAKE, type Runtime, startNode } from "./node.ts";
import { type BenchPod, startPods } from "./pod.ts";
import { atMost, exactly, type Report } from "./report.ts";
import { Samples, timed } from "./samples.ts";

const PODS = 1_000;
const CALLS = 1_000;
const WARM_UP = 50;
const EXECS_PER_SECOND = 10;
/** Longer than starting all pods and measuring takes. */
const SILENT_AFTER_MS = 60_000;

const { listPodSandbox, listContainers } = RuntimeService.method;

/** Lists while execs run, then once more after all agents have fallen silent. */
export const list: Bench = {
  name: "list",
  about:
    "List calls of 1,000 sandboxes and 1,000 containers on fake, one after the other, while 10 ExecSync/s run",
  async run(report, { count = PODS }) {
    const fake = { kind: "fake", silentAfter: SILENT_AFTER_MS };
    await using node = await startNode({ config: { ...FAKE, providers: { local: fake } } });
    let pods: BenchPod[] = [];
    const starting = await timed(async () => pods = await startPods(node.runtime, count));
    const begun = performance.now();
    report.figure("pods started, 8 at a time", count / starting * 1000, "/s");
    using caller = await Http2Caller.connect(node.config.socket);
    const before = await measureBoth(report, node, pods, caller);
    checkCount(before, count);
    await untilSilent(node.runtime, pods, begun, report);
    const after = await listsOf(caller);
    report.figure("lists that are the same with all agents hung", countSame(before, after), "", exactly(2));
  },
};

interface Lists {
  readonly sandboxes: Uint8Array;
  readonly containers: Uint8Array;
}

async function measureBoth(report: Report, node: BenchNode, pods: readonly BenchPod[], caller: Http2Caller) {
  const execs = new ExecLoad(node.runtime, pods);
  const begun = performance.now();
  await measure(report, "ListPodSandbox", caller, listPodSandbox);
  await measure(report, "ListContainers", caller, listContainers);
  const seconds = (performance.now() - begun) / 1000;
  await execs.end();
  report.figure("ExecSync calls answered meanwhile", execs.times.count / seconds, "/s");
  report.figure("  ExecSync p50", execs.times.median, "ms");
  const lists = await listsOf(caller);
  report.figure("size of ListPodSandbox's answer", lists.sandboxes.length / 1e6, "MB");
  report.figure("size of ListContainers' answer", lists.containers.length / 1e6, "MB");
  return lists;
}

async function measure(report: Report, name: string, caller: Http2Caller, method: DescMethod): Promise<void> {
  const times = new Samples();
  for (let i = 0; i < WARM_UP; i++) await caller.call(method);
  for (let i = 0; i < CALLS; i++) times.add(await timed(() => caller.call(method)));
  report.figure(`${name} p50 of ${CALLS}`, times.median, "ms");
  report.figure(`${name} p99`, times.quantile(0.99), "ms", atMost(20));
  report.figure(`${name} longest`, times.greatest, "ms");
}

/** ExecSync in one container after the other, begun at a fixed rate whether or not the one before has been answered. */
class ExecLoad {
  readonly times = new Samples();
  readonly #running = new Set<Promise<void>>();
  readonly #timer: ReturnType<typeof setInterval>;
  #failure: unknown;

  constructor(runtime: Runtime, pods: readonly BenchPod[]) {
    let next = 0;
    this.#timer = setInterval(() => {
      const { containerId } = pods[next++ % pods.length]!;
      const call: Promise<void> = timed(() => runtime.execSync({ containerId, cmd: ["true"], timeout: 10n }))
        .then((ms) => this.times.add(ms), (error) => void (this.#failure ??= error))
        .finally(() => this.#running.delete(call));
      this.#running.add(call);
    }, 1000 / EXECS_PER_SECOND);
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#running);
    if (this.#failure !== undefined) throw this.#failure;
  }
}

async function listsOf(caller: Http2Caller): Promise<Lists> {
  return {
    sandboxes: await caller.call(listPodSandbox, { copy: true }),
    containers: await caller.call(listContainers, { copy: true }),
  };
}

function checkCount({ sandboxes, containers }: Lists, count: number): void {
  const { items } = fromBinary(ListPodSandboxResponseSchema, sandboxes);
  const { containers: listed } = fromBinary(ListContainersResponseSchema, containers);
  if (items.length === count && listed.length === count) return;
  throw new Error(
    `Lists have ${items.length} sandboxes and ${listed.length} containers instead of ${count} each`,
  );
}

/** Waits until the last agent has fallen silent, and sees that no agent of a sample answers. */
async function untilSilent(runtime: Runtime, pods: readonly BenchPod[], begun: number, report: Report) {
  const remaining = begun + SILENT_AFTER_MS - performance.now();
  if (remaining > 0) {
    report.progress(`waiting ${(remaining / 1000).toFixed(0)} s until all agents are silent`);
    await new Promise((resolve) => setTimeout(resolve, remaining));
  }
  const sample = [0, pods.length >> 1, pods.length - 1].map((index) => pods[index]!);
  await Promise.all(sample.map(({ containerId }) => expectSilence(runtime, containerId)));
}

async function expectSilence(runtime: Runtime, containerId: string): Promise<void> {
  try {
    await runtime.execSync({ containerId, cmd: ["true"], timeout: 1n }, { timeoutMs: 5_000 });
  } catch (error) {
    const { code } = error as RpcError;
    if (code === Code.DEADLINE_EXCEEDED || code === Code.UNAVAILABLE) return;
    throw error;
  }
  throw new Error(`The agent of container ${containerId} answers although it was to fall silent`);
}

function countSame(before: Lists, after: Lists): number {
  return [same(before.sandboxes, after.sandboxes), same(before.containers, after.containers)]
    .filter((each) => each).length;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
