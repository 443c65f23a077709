// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * What the executables carry besides the runtime. That runtime is not needed for it: any executable stands in, and all is
 * done but the result cannot run.
 */

import assert from "node:assert/strict";
import { compile } from "../../dist/compile.ts";
import { PROGRAMS } from "../../dist/programs.ts";

const BUDGET_BYTES = 1_500_000;
const RUNTIME = "/bin/true";

async function payloadOf(entry: string): Promise<number> {
  const folder = await Deno.makeTempDir();
  try {
    return await compile(entry, `${folder}/program`, {
      runtime: RUNTIME,
      signal: AbortSignal.timeout(120_000),
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const { name, entry } of PROGRAMS) {
  Deno.test(`${name} carries at most 1.5 MB`, async () => {
    const bytes = await payloadOf(entry);
    assert.ok(bytes > 50_000, `${bytes} bytes cannot be the whole of ${name}`);
    assert.ok(bytes <= BUDGET_BYTES, `${name} carries ${bytes} bytes, the budget is ${BUDGET_BYTES}`);
  });
}

Deno.test("compile() counts what a program imports", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const text = Array.from({ length: 50_000 }, (_, n) => n % 10).join("");
    await Deno.writeTextFile(`${folder}/text.ts`, `export const text = "${text}";`);
    await Deno.writeTextFile(
      `${folder}/main.ts`,
      `import { text } from "./text.ts"; Deno.exit(text.length);`,
    );
    const bytes = await payloadOf(`${folder}/main.ts`);
    assert.ok(bytes > 50_000 && bytes < 60_000, `${bytes} bytes`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("compile() fails with deno's words", async () => {
  const missing = `${import.meta.dirname}/no_such_program.ts`;
  await assert.rejects(
    payloadOf(missing),
    /^Error: Cannot compile .*no_such_program.ts for this machine: [^]*No such file/,
  );
});
