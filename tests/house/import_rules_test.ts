// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = normalize(join(dirname(fileURLToPath(import.meta.url)), "..", ".."));

/** Folder → the folders of ours that its files may import besides itself. Tests and benchmarks may import anything. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  lib: [],
  providers: ["lib", "protocol"],
  agent: ["lib", "protocol"],
  flexvolume: ["lib", "protocol"],
  guest: ["lib", "protocol"],
  cri: ["lib", "protocol", "providers", "flexvolume", "guest"],
  dist: ["lib"],
  demo: ["lib"],
};

/** Packages that only the named folders may import. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "@grpc/grpc-js": ["protocol", "cri"],
  "@peculiar/x509": ["cri"],
  "reflect-metadata": ["cri"],
  "zod": ["cri", "providers"],
  "valibot": ["agent"],
  "ws": ["cri", "protocol"],
  "hono": ["cri"],
  "prom-client": ["cri"],
};

const IMPORT_REGEXP =
  /(?:^|[\s;}])(?:import|export)\s[^"';]*?from\s*"([^"]+)"|import\(\s*"([^"]+)"\s*\)|^import\s*"([^"]+)"/gm;

interface Import {
  readonly file: string;
  readonly target: string;
}

async function* sourceFiles(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) yield* sourceFiles(path);
    else if (entry.name.endsWith(".ts") && !entry.name.endsWith("_test.ts")) yield path;
  }
}

async function importsOf(folder: string): Promise<Import[]> {
  const found: Import[] = [];
  for await (const file of sourceFiles(join(ROOT, folder))) {
    const text = await Deno.readTextFile(file);
    for (const match of text.matchAll(IMPORT_REGEXP)) {
      found.push({ file: relative(ROOT, file), target: match[1] ?? match[2] ?? match[3]! });
    }
  }
  return found;
}

function folderOf(file: string, target: string): string {
  return normalize(join(dirname(file), target)).split("/")[0]!;
}

for (const [folder, allowed] of Object.entries(MAY_IMPORT)) {
  Deno.test(`${folder}/ imports nothing of ours but ${[folder, ...allowed].join(", ")}`, async () => {
    const wrong = (await importsOf(folder))
      .filter(({ target }) => target.startsWith("."))
      .filter(({ file, target }) => ![folder, ...allowed].includes(folderOf(file, target)))
      .map(({ file, target }) => `${file} imports ${target}`);
    assert.deepEqual(wrong, []);
  });
}

Deno.test("packages are imported only where they belong", async () => {
  const wrong: string[] = [];
  for (const folder of Object.keys(MAY_IMPORT)) {
    for (const { file, target } of await importsOf(folder)) {
      const owners =
        PACKAGES[target.startsWith("@") ? target.split("/").slice(0, 2).join("/") : target.split("/")[0]!];
      if (owners !== undefined && !owners.includes(folder)) wrong.push(`${file} imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("providers are loaded by literal lazy imports only", async () => {
  const eager = (await Array.fromAsync(sourceFiles(join(ROOT, "providers")))).length;
  assert.ok(eager > 0, "providers/ holds no source file");
  const register = await Deno.readTextFile(join(ROOT, "providers", "mod.ts"));
  const statics = [...register.matchAll(/^(?:import|export)\s[^"';]*?from\s*"\.\/([^"]+)"/gm)].map((match) =>
    match[1]!
  );
  assert.deepEqual(statics.filter((path) => path.endsWith("/mod.ts")), []);
});

Deno.test("each source file carries the licence line", async () => {
  const without: string[] = [];
  for (const folder of [...Object.keys(MAY_IMPORT), "tests", "bench"]) {
    for await (const file of allTypeScript(join(ROOT, folder))) {
      const head = await Deno.readTextFile(file);
      if (!head.includes("Copyright 2026 the Infranetes authors") && !file.includes("/gen/")) {
        without.push(relative(ROOT, file));
      }
    }
  }
  assert.deepEqual(without, []);
});

async function* allTypeScript(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) yield* allTypeScript(path);
    else if (entry.name.endsWith(".ts")) yield path;
  }
}

Deno.test("each room has a README that says what lives there", async () => {
  const rooms = [...Object.keys(MAY_IMPORT), "tests", "bench"];
  const inner = [
    "cri/state",
    "cri/agents",
    "cri/logs",
    "cri/images",
    "cri/volumes",
    "protocol/link",
    "agent/monitor",
  ];
  const missing: string[] = [];
  for (const room of [...rooms, ...inner]) {
    const text = await Deno.readTextFile(join(ROOT, room, "README.md")).catch(() => "");
    if (text.trim().split("\n").length < 2) missing.push(room);
  }
  assert.deepEqual(missing, []);
});

Deno.test("no source file is longer than 400 lines", async () => {
  const long: string[] = [];
  for (const folder of [...Object.keys(MAY_IMPORT), "tests", "bench"]) {
    for await (const file of allTypeScript(join(ROOT, folder))) {
      if (file.includes("/gen/")) continue;
      const lines = (await Deno.readTextFile(file)).split("\n").length - 1;
      if (lines > 400) long.push(`${relative(ROOT, file)}: ${lines}`);
    }
  }
  assert.deepEqual(long, []);
});
