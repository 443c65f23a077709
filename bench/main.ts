// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * Measures what `SPECIFICATION.md` promises as a figure.
 *
 *     deno task bench [name...] [--count=N] [--json=FILE] [--list]
 *
 * Without names all of them run, which takes about a quarter of an hour. `--count` shortens those that count; the
 * targets hold for their default. Ends with 1 if a target was missed or a benchmark failed.
 */
// deno-lint-ignore-file no-console
import type { Bench, BenchOptions } from "./bench.ts";
import { BENCHES } from "./benches.ts";
import { type Figure, Report } from "./report.ts";

interface Arguments extends BenchOptions {
  readonly names: readonly string[];
  readonly list: boolean;
  readonly json?: string;
}

function parseArguments(args: readonly string[]): Arguments {
  const names: string[] = [];
  let parsed: Omit<Arguments, "names"> = { list: false };
  for (const argument of args) {
    const [, flag, value = ""] = /^--([a-z]+)(?:=(.*))?$/.exec(argument) ?? [];
    if (flag === undefined) names.push(argument);
    else if (flag === "list" && value === "") parsed = { ...parsed, list: true };
    else if (flag === "json" && value !== "") parsed = { ...parsed, json: value };
    else if (flag === "count" && /^[1-9]\d*$/.test(value)) parsed = { ...parsed, count: Number(value) };
    else {throw new TypeError(
        `Cannot understand '${argument}': options are --count=N, --json=FILE and --list`,
      );}
  }
  return { ...parsed, names };
}

function chosen(names: readonly string[]): readonly Bench[] {
  const unknown = names.filter((name) => !BENCHES.some((bench) => bench.name === name));
  if (unknown.length > 0) {
    const known = BENCHES.map(({ name }) => name).join(", ");
    throw new TypeError(`No benchmark is called ${unknown.join(", ")}: there are ${known}`);
  }
  return names.length === 0 ? BENCHES : BENCHES.filter(({ name }) => names.includes(name));
}

function machine() {
  const cpu = /^model name\s*:\s*(.+)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1] ?? "unknown";
  const { total } = Deno.systemMemoryInfo();
  return {
    deno: Deno.version.deno,
    arch: Deno.build.arch,
    cores: navigator.hardwareConcurrency,
    cpu,
    memoryBytes: total,
    kernel: Deno.osRelease(),
  };
}

async function run(args: Arguments): Promise<boolean> {
  const report = new Report();
  const about = machine();
  console.log(`Deno ${about.deno}, ${about.cores} cores, ${about.cpu}, kernel ${about.kernel}`);
  for (const bench of chosen(args.names)) {
    report.begin(bench.name, bench.about);
    try {
      await bench.run(report, args);
    } catch (error) {
      report.failure(error);
    }
    report.end();
  }
  if (args.json !== undefined) {
    const { figures, failures } = report;
    const file = { takenAt: new Date().toISOString(), machine: about, figures, failures };
    await Deno.writeTextFile(args.json, JSON.stringify(file, null, 2) + "\n");
  }
  conclude(report);
  return report.misses.length === 0 && report.failures.length === 0;
}

function conclude({ figures, misses, failures }: Report): void {
  const promised = figures.filter(({ target }) => target).length;
  console.log(`\n${promised - misses.length} of ${promised} targets held`);
  for (const each of misses) console.log(`  missed: ${describe(each)}`);
  for (const { bench } of failures) console.log(`  failed: ${bench}`);
}

function describe({ bench, name, value, unit, target }: Figure): string {
  return `${bench}: ${name} is ${value.toFixed(2)} ${unit}, must be ${target!.bound} ${target!.value}`;
}

const args = parseArguments(Deno.args);
if (args.list) { for (const { name, about } of BENCHES) console.log(`${name.padEnd(12)} ${about}`); }
else Deno.exitCode = await run(args) ? 0 : 1;
