// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * Figures of the agent alone: vmserver as a process, linked by mutual TLS over loopback to this process, which plays the
 * node and does nothing with what it gets.
 *
 *     deno run -A bench/agent_log.ts
 *
 * How fast a container's output comes through pipe, monitor, spool, agent and link; what monitor and agent hold
 * meanwhile; how long an agent takes to dial and a container to start.
 */
// deno-lint-ignore-file no-console
import type { AgentLink } from "../cri/agent_link.ts";
import { configureRequest, createRequest, SANDBOX_ID, shell } from "../tests/agent/requests.ts";
import { VmProcess } from "../tests/agent/vm_process.ts";

const LINE_BYTES = [100, 1024];
/** MB/s of a container's output: the first with which something is dropped is the last. */
const RATES = [25, 50, 75, 100, 150, 200];
const SECONDS = 3;
const STARTS = 11;
/** How far behind the reader the spool is trimmed, as a node does that has made it durable. */
const TRIM_STEP = 8 * 1024 * 1024;

function report(name: string, value: number, unit: string): void {
  console.log(`${name.padEnd(56)} ${value.toFixed(value < 100 ? 1 : 0).padStart(8)} ${unit}`);
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** A figure in kB of /proc/<pid>/status, in MB. 0 for a process that has ended. */
function memory(pid: number, field: "VmHWM" | "VmRSS"): number {
  let text = "";
  try {
    text = Deno.readTextFileSync(`/proc/${pid}/status`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(text)?.[1] ?? 0) * 1024 / 1e6;
}

function monitorOf(vm: VmProcess, id: string): number {
  return JSON.parse(Deno.readTextFileSync(`${vm.state}/containers/${id}/started.json`)).monitor;
}

/** Reads a log to its end. Answers its bytes. */
async function drain({ containers }: AgentLink, containerId: string): Promise<number> {
  let total = 0;
  let trimmed = 0;
  for await (const { data } of containers.logs({ containerId })) {
    total += data.length;
    if (total - trimmed < TRIM_STEP) continue;
    trimmed = total;
    await containers.trimLogs({ containerId, durableOffset: BigInt(total) });
  }
  return total;
}

/** A container that writes so many MB/s of lines for some seconds, as evenly as a timer goes. */
function writer(id: string, lineBytes: number, rate: number) {
  const script = `
    const chunk = new TextEncoder().encode(("x".repeat(${lineBytes} - 1) + "\\n").repeat(Math.floor(65536 / ${lineBytes})));
    const began = performance.now();
    for (let written = 0; written < ${rate * SECONDS} * 1e6;) {
      const due = (performance.now() - began) * ${rate} * 1000;
      while (written < due) written += Deno.stdout.writeSync(chunk);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }`;
  return createRequest(id, { command: [Deno.execPath(), "eval", "--no-config", script] });
}

/** True if every record of a container that writes at this rate came through. */
async function keepsUp(vm: VmProcess, link: AgentLink, lineBytes: number, rate: number): Promise<boolean> {
  const id = `lines-${lineBytes}-${rate}`;
  await link.containers.create(writer(id, lineBytes, rate));
  await link.containers.start({ containerId: id });
  const monitor = monitorOf(vm, id);
  let peak = 0;
  const sampling = setInterval(() => peak = Math.max(peak, memory(monitor, "VmHWM")), 50);
  const began = performance.now();
  const bytes = await drain(link, id);
  const seconds = (performance.now() - began) / 1000;
  clearInterval(sampling);
  const { state } = await link.containers.stop({ containerId: id });
  await link.containers.remove({ containerId: id });
  const dropped = Number(state!.logRecordsDropped);
  const text = `${lineBytes}-byte lines at ${rate} MB/s`;
  report(`${text}: log through pipe, monitor, agent, link`, bytes / 1e6 / seconds, "MB/s");
  report(`${text}: records dropped by the bounded spool`, dropped, "");
  report(`${text}: peak memory of monitor`, peak, "MB");
  report(`${text}: peak memory of agent`, memory(vm.pid, "VmHWM"), "MB");
  return dropped === 0;
}

async function throughput(vm: VmProcess, link: AgentLink, lineBytes: number): Promise<void> {
  for (const rate of RATES) if (!await keepsUp(vm, link, lineBytes, rate)) return;
}

async function containerStarts(vm: VmProcess, link: AgentLink): Promise<void> {
  const creates: number[] = [];
  const starts: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const id = `start-${i}`;
    const began = performance.now();
    await link.containers.create(shell(id, "sleep 1000"));
    const created = performance.now();
    await link.containers.start({ containerId: id });
    starts.push(performance.now() - created);
    creates.push(created - began);
    if (i === STARTS - 1) report("memory of an idle monitor", memory(monitorOf(vm, id), "VmRSS"), "MB");
    await link.containers.remove({ containerId: id });
  }
  report("Create of a container, median", median(creates), "ms");
  report("Start of a container (monitor and process), median", median(starts), "ms");
}

/** From the start of the agent's process to its dialling, when it has its certificate. */
async function agentStarts(vm: VmProcess): Promise<AgentLink> {
  const times: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const { hello } = await vm.start();
    times.push(Number(hello.dialledAt - hello.startedAt) / 1e6);
    await vm.signal("SIGTERM");
  }
  report("start of the agent to its dialling, median", median(times), "ms");
  const link = await vm.start();
  report("memory of an agent that has just linked", memory(vm.pid, "VmRSS"), "MB");
  return link;
}

if (import.meta.main) {
  await using vm = await VmProcess.create();
  // The first start enrols.
  const first = await vm.start();
  await first.sandbox.configure(configureRequest(SANDBOX_ID));
  await vm.signal("SIGTERM");
  const link = await agentStarts(vm);
  await containerStarts(vm, link);
  for (const lineBytes of LINE_BYTES) await throughput(vm, link, lineBytes);
}
