// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { join } from "node:path";

const DEMO = join(import.meta.dirname!, "..", "..", "demo", "main.ts");
const LIMIT_MS = 15_000;

function startDemo(temporary: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", DEMO],
    env: { TMPDIR: temporary },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs `use` with an empty folder for the demo's files, which must be empty again, and no process in it. */
async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "infranetes-demotest-" });
  try {
    await use(folder);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder), ({ name }) => name), []);
    assert.deepEqual(await processesIn(folder), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function processesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    const command = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    const environment = await Deno.readTextFile(`/proc/${name}/environ`).catch(() => "");
    if (command.includes(folder) || environment.includes(folder)) found.push(`${name}: ${command}`);
  }
  return found;
}

Deno.test("the demo shows the whole life of a pod in 15 s and leaves nothing", () =>
  withFolder(async (folder) => {
    const begun = performance.now();
    const { code, stdout, stderr } = await startDemo(folder).output();
    const text = new TextDecoder().decode(stdout);
    assert.equal(code, 0, text + new TextDecoder().decode(stderr));
    assert(performance.now() - begun < LIMIT_MS, text);
    assert.match(text, /0 restarts: as before/);
    assert.match(text, /none lost, none doubled/);
    assert.match(text, /no process, no file, no socket/);
  }));

// Where the demo is when Ctrl-C comes: before there is a pod, with a pod, and with its node process killed.
for (const phase of ["Start a node process", "Run a pod", "Follow its log", "Start it again"]) {
  Deno.test(`the demo cleans up after Ctrl-C in the phase "${phase}"`, () =>
    withFolder(async (folder) => {
      const child = startDemo(folder);
      const errors = new Response(child.stderr).text();
      let text = "";
      let interrupted = false;
      for await (
        const part of child.stdout.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
      ) {
        text += part;
        if (interrupted || !text.includes(`▸ ${phase}`)) continue;
        child.kill("SIGINT");
        interrupted = true;
      }
      assert.equal((await child.status).code, 130, text + await errors);
      assert.match(text, /Interrupted: cleaning up/);
      await errors;
    }));
}
