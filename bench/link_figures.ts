// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { join } from "node:path";
import type { Bench } from "./bench.ts";
import { atLeast, atMost, type Target, type Unit } from "./report.ts";

const SCRIPT = join(import.meta.dirname!, "link.ts");

/** Which of the script's lines hold a promise. */
const TARGETS: Readonly<Record<string, Target>> = {
  "small calls, one after the other": atLeast(5_000),
  "first call after connect, first of the process": atMost(20),
  "first call after connect, median of 11": atMost(20),
};

/** Runs `link.ts`, which needs a process of its own as the agent's, and takes over its lines. */
export const link: Bench = {
  name: "link",
  about: "The agent link over loopback with mutual TLS, one process an end",
  async run(report) {
    const args = ["run", "-A", "--quiet", SCRIPT];
    const { success, stdout } = await new Deno.Command(Deno.execPath(), { args, stderr: "inherit" }).output();
    if (!success) throw new Error(`${SCRIPT} has failed`);
    const missing = new Set(Object.keys(TARGETS));
    for (const line of new TextDecoder().decode(stdout).trimEnd().split("\n")) {
      const [, name, value, unit] = /^(.+?)\s+([\d.]+) (\S+)$/.exec(line) ?? [];
      if (name === undefined) throw new Error(`${SCRIPT} has printed a line that is no figure: ${line}`);
      missing.delete(name);
      report.figure(name, Number(value), unit as Unit, TARGETS[name]);
    }
    if (missing.size > 0) throw new Error(`${SCRIPT} has not printed: ${[...missing].join("; ")}`);
  },
};
