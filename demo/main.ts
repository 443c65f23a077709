// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * `deno task demo`: the whole life of a pod in a few seconds, on this machine alone. A node process, a pod from a
 * manifest, its log, a command in it; then the node process is killed and started again under the running pod. In the
 * end nothing is left, which is checked. Needs no root and no VM: the pod is a plain process.
 * @module
 */
import { assertSamePod, assertUnbroken, lastLine } from "./checks.ts";
import { podFiles, processesOf, sockets } from "./leftovers.ts";
import { followLog } from "./follow_log.ts";
import { writeConfig } from "./node_config.ts";
import { DemoNode } from "./node_process.ts";
import { Screen } from "./screen.ts";

const MANIFEST = new URL("./pod.yaml", import.meta.url).pathname;
const POD = "hello";

async function demo(screen: Screen, node: DemoNode, folder: string, signal: AbortSignal): Promise<void> {
  await screen.phase("Start a node process", () => node.start());
  const before = await podFiles(folder);
  await screen.phase("Run a pod from demo/pod.yaml", async () => {
    screen.quote(await node.must("pod", "run", "-f", MANIFEST));
    screen.quote(await node.must("pod", "ls"));
  });
  await screen.phase("Follow its log", async () => screen.quote(await followLog(node, POD, 4, signal)));
  await screen.phase("Run a command in it", async () => {
    screen.quote(
      await node.must(
        "pod",
        "exec",
        POD,
        "--",
        "sh",
        "-c",
        'echo "Hello, $WHO, from process $$ on $(uname -s)"',
      ),
    );
  });
  await surviveCrash(screen, node, signal);
  await screen.phase("Remove the pod", async () => screen.quote(await node.must("pod", "rm", POD)));
  await screen.phase("Stop the node process", () => node.stop());
  await screen.phase("Look for anything that is left", () => assertNothingLeft(screen, folder, before));
}

async function surviveCrash(screen: Screen, node: DemoNode, signal: AbortSignal): Promise<void> {
  const before = JSON.parse(await node.must("pod", "inspect", POD, "-o", "json"));
  const logBefore = await node.must("pod", "logs", POD);
  await screen.phase("Kill the node process (SIGKILL)", () => node.kill());
  await screen.phase("Start it again under the pod", () => node.start());
  await screen.phase("See that the pod has lived on", async () => {
    // What it wrote while there was no node process comes first.
    await followLog(node, POD, lastLine(logBefore) + 4, signal);
    const log = await node.must("pod", "logs", POD);
    const after = JSON.parse(await node.must("pod", "inspect", POD, "-o", "json"));
    screen.quote(assertSamePod(before, after));
    screen.quote(assertUnbroken(log, lastLine(logBefore)));
  });
}

async function assertNothingLeft(screen: Screen, folder: string, before: readonly string[]): Promise<void> {
  const processes = await processesOf(folder);
  const files = (await podFiles(folder)).filter((file) => !before.includes(file));
  const left = [
    ...processes.map(({ pid, command }) => `process ${pid}: ${command}`),
    ...files,
    ...await sockets(folder),
  ];
  if (left.length > 0) throw new Error(`Something is left behind:\n${left.join("\n")}`);
  screen.quote("no process, no file, no socket");
}

/** After a failure or Ctrl-C: ends what the demo has started, and only that. */
async function cleanUp(node: DemoNode, folder: string): Promise<void> {
  await node.infranetes("pod", "rm", POD, "--grace", "0");
  await node[Symbol.asyncDispose]();
  // A shell may start its next command between being found and being killed: look again until there is nobody.
  for (let found; (found = await processesOf(folder)).length > 0;) for (const { pid } of found) kill(pid);
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function tail(file: string, lines: number): Promise<string> {
  const text = await Deno.readTextFile(file).catch(() => "");
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}

async function main(): Promise<number> {
  const screen = new Screen();
  screen.line("Infranetes demo. Its pod is a plain process on this machine: no root, no VM, no isolation.");
  screen.line();
  if (Deno.build.os !== "linux") {
    screen.line("The demo needs Linux.");
    return 1;
  }
  const interrupt = new AbortController();
  const listener = () => interrupt.abort(new DOMException("Interrupted", "AbortError"));
  for (const name of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(name, listener);
  const folder = await Deno.makeTempDir({ prefix: "infranetes-demo-" });
  const node = new DemoNode(await writeConfig(folder), interrupt.signal);
  try {
    await demo(screen, node, folder, interrupt.signal);
    screen.summary();
    return 0;
  } catch (error) {
    screen.line();
    screen.line(
      interrupt.signal.aborted ? "Interrupted: cleaning up" : `Failed: ${(error as Error).message}`,
    );
    await cleanUp(node, folder);
    if (interrupt.signal.aborted) return 130;
    screen.line("The end of the node's log:");
    screen.quote(await tail(node.logFile, 30));
    return 1;
  } finally {
    await node[Symbol.asyncDispose]();
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) Deno.exit(await main());
