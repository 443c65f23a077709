// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { BENCHES } from "../../bench/benches.ts";

const ROOT = normalize(join(dirname(fileURLToPath(import.meta.url)), "..", ".."));

/** `cri/filters_test.ts` "words of the test's name as they stand in the file" */
const TEST_REGEXP = /`([\w./]+(?:_test|clauses)\.ts)` "([^"]+)"/g;
/** bench `list` */
const BENCH_REGEXP = /bench `(\w+)`/g;

/** One item of a list, in one line. */
function promises(specification: string): string[] {
  const items = specification.split(/^- /m).slice(1);
  // What follows the item's own paragraph is the next heading.
  return items.map((item) => item.split("\n\n")[0]!.replace(/\s+/g, " ").trim());
}

/** What a promise names and is not there. One that names nothing is a problem too. */
async function problemsOf(promise: string): Promise<string[]> {
  const problems: string[] = [];
  let named = 0;
  for (const [, file, words] of promise.matchAll(TEST_REGEXP)) {
    named += 1;
    const source = await Deno.readTextFile(join(ROOT, file!)).catch(() => undefined);
    if (source === undefined) problems.push(`there is no ${file}`);
    else if (!source.includes(words!)) problems.push(`${file} has no test "${words}"`);
  }
  for (const [, name] of promise.matchAll(BENCH_REGEXP)) {
    named += 1;
    if (!BENCHES.some((bench) => bench.name === name)) problems.push(`there is no benchmark ${name}`);
  }
  return named === 0 ? ["it names neither a test nor a benchmark"] : problems;
}

Deno.test("SPECIFICATION.md names for each promise a test or a benchmark that exists", async () => {
  const all = promises(await Deno.readTextFile(join(ROOT, "SPECIFICATION.md")));
  assert.ok(all.length > 50, `SPECIFICATION.md has ${all.length} promises: its lists were not read`);
  const problems: string[] = [];
  for (const each of all) {
    for (const problem of await problemsOf(each)) {
      problems.push(`${each.split(" Kept by ")[0]}: ${problem}`);
    }
  }
  assert.deepEqual(problems, []);
});
