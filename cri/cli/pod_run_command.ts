// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { YamlSource } from "../config/yaml_source.ts";
import { ProblemsError } from "../config/problem.ts";
import type { PodView, RunEvent } from "../http/api.ts";
import { type CommandContext, UsageError } from "./command.ts";
import { ExitCode } from "./exit_code.ts";
import { NodeClient, NodeError } from "./node_client.ts";
import { readLines } from "./read_lines.ts";

/** `infranetes pod run` */
export async function podRun(context: CommandContext): Promise<number> {
  const { args, terminal } = context;
  const file = args.text("file");
  if (file === undefined) throw new UsageError("Which manifest? Name it with -f FILE");
  const source = await readManifest(file);
  const query = new URLSearchParams({ wait: String(!args.has("detach")) });
  const namespace = args.text("namespace");
  if (namespace !== undefined) query.set("namespace", namespace);
  using client = new NodeClient(context);
  try {
    const response = await client.request("POST", `/v1/pods?${query}`, source.value);
    return await follow(response, context);
  } catch (error) {
    if (!(error instanceof NodeError) || error.problems.length === 0) throw error;
    const problems = error.problems.map((problem) => ({
      ...problem,
      position: source.positionOf(problem.path),
    }));
    terminal.note(new ProblemsError(nameOf(file), problems, { cause: error }).message);
    return ExitCode.USAGE;
  }
}

async function readManifest(file: string): Promise<YamlSource> {
  const text = file === "-" ? await new Response(Deno.stdin.readable).text() : await readFile(file);
  const source = new YamlSource(text);
  if (source.problems.length === 0) return source;
  const problems = source.problems.map(({ message, ...position }) => ({ path: [], message, position }));
  throw Object.assign(new ProblemsError(nameOf(file), problems), { exitCode: ExitCode.USAGE });
}

async function readFile(file: string): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch (cause) {
    throw Object.assign(new Error(`Cannot read the manifest ${file}`, { cause }), {
      exitCode: ExitCode.USAGE,
    });
  }
}

function nameOf(file: string): string {
  return file === "-" ? "standard input" : file;
}

async function follow(response: Response, { args, terminal, signal }: CommandContext): Promise<number> {
  let name = "";
  for await (const line of readLines(response.body!)) {
    const event = JSON.parse(line) as RunEvent;
    switch (event.event) {
      case "accepted":
        name = event.name;
        if (args.has("detach")) {
          terminal.print(outputOf(args.text("output"), event, `${event.namespace}/${event.name}`));
        }
        break;
      case "phase":
        if (terminal.interactive) terminal.note(`  ${event.phase.padEnd(12)} ${event.ms} ms`);
        break;
      case "running":
        terminal.print(outputOf(args.text("output"), event.pod, runningLine(event.pod)));
        return ExitCode.OK;
      case "failed":
        throw new NodeError(event.error);
    }
  }
  signal.throwIfAborted();
  if (args.has("detach")) return ExitCode.OK;
  throw new Error(
    `The node process ended while pod ${name} was starting: it goes on when the node process is back`,
  );
}

function outputOf(format: string | undefined, value: unknown, text: string): string {
  return format === "json" ? JSON.stringify(value, null, 2) : text;
}

function runningLine(pod: PodView): string {
  const ms = pod.readyAt ? Date.parse(pod.readyAt) - Date.parse(pod.createdAt) : 0;
  return `${pod.namespace}/${pod.name} is ${pod.phase.toLowerCase()} at ${
    pod.addresses[0] ?? "no address"
  } (VM ready after ${ms} ms)`;
}
