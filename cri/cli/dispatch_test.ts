// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import type { Arguments, CommandGroup } from "./command.ts";
import { root } from "./commands.ts";
import { dispatch } from "./dispatch.ts";
import { MemoryTerminal } from "./testing/memory_terminal.ts";

const NEVER = new AbortController().signal;

async function run(words: readonly string[], commands: CommandGroup = root, signal = NEVER) {
  const terminal = new MemoryTerminal();
  const code = await dispatch(commands, words, { terminal, environment: {}, signal });
  return { code, stdout: terminal.stdout, stderr: terminal.stderr };
}

Deno.test("dispatch() shows the help of every command and group as in the golden file", async (t) => {
  const texts: string[] = [];
  for (const path of everyPath(root)) {
    const { code, stdout, stderr } = await run([...path, "--help"]);
    assert.equal(code, 0);
    assert.equal(stderr, "");
    texts.push(`$ infranetes ${[...path, "--help"].join(" ")}\n${stdout}`);
  }
  const golden = new URL("./goldens/help.txt", import.meta.url);
  const text = texts.join("\n");
  if (Deno.env.get("UPDATE_GOLDENS")) await Deno.writeTextFile(golden, text);
  assert.equal(text, await Deno.readTextFile(golden), `${t.name}: set UPDATE_GOLDENS=1 to take it over`);
});

function everyPath(group: CommandGroup): string[][] {
  const below = group.commands.flatMap((command) =>
    "commands" in command ? everyPath(command).map((path) => [command.name, ...path]) : [[command.name]]
  );
  return [[], ...below];
}

Deno.test("every line of help fits into 120 columns", async () => {
  const text = await Deno.readTextFile(new URL("./goldens/help.txt", import.meta.url));
  assert.deepEqual(text.split("\n").filter((line) => line.length > 120), []);
});

const USAGE: readonly (readonly [words: string[], message: string])[] = [
  [
    ["pdo"],
    'Unknown command "infranetes pdo": did you mean "infranetes pod"?\nRun "infranetes --help" for help.',
  ],
  [
    ["pod", "frobnicate"],
    'Unknown command "infranetes pod frobnicate": there are run, ls, logs, exec, inspect, rm\n' +
    'Run "infranetes pod --help" for help.',
  ],
  [
    ["--loud"],
    'Unknown flag --loud: flags come after a command of infranetes\nRun "infranetes --help" for help.',
  ],
  [
    ["pod", "ls", "--ouptut"],
    'Unknown flag --ouptut: did you mean --output?\nRun "infranetes pod ls --help" for help.',
  ],
  [["pod", "ls", "-o", "xml"], '-o must be "json" (given: "xml")\nRun "infranetes pod ls --help" for help.'],
  [
    ["pod", "ls", "--output"],
    '--output needs a value: --output FORMAT\nRun "infranetes pod ls --help" for help.',
  ],
  [["pod", "logs"], 'Too few words: logs NAME [flags]\nRun "infranetes pod logs --help" for help.'],
  [["pod", "logs", "a", "b"], 'Unexpected word "b"\nRun "infranetes pod logs --help" for help.'],
  [
    ["pod", "exec", "a", "ls"],
    'Unexpected word "ls". A command to run goes after --\nRun "infranetes pod exec --help" for help.',
  ],
  [
    ["pod", "exec", "a", "--"],
    'Which command? It goes after --, such as: pod exec NAME -- ls -l\nRun "infranetes pod exec --help" for help.',
  ],
  [["pod", "run"], 'Which manifest? Name it with -f FILE\nRun "infranetes pod run --help" for help.'],
  [["version", "--", "x"], 'Unexpected --\nRun "infranetes version --help" for help.'],
  [
    ["pod", "rm", "a", "--grace", "soon"],
    '--grace must be a number of seconds (given: "soon")\nRun "infranetes pod rm --help" for help.',
  ],
];

for (const [words, message] of USAGE) {
  Deno.test(`dispatch() ends with code 2 and a hint for: infranetes ${words.join(" ")}`, async () => {
    const { code, stdout, stderr } = await run(words);
    assert.deepEqual({ code, stdout, stderr }, { code: 2, stdout: "", stderr: `${message}\n` });
  });
}

function only(load: (args: Arguments) => Promise<number>): CommandGroup {
  const command = {
    name: "do",
    summary: "does it",
    usage: "[flags] -- WORDS",
    flags: [{ name: "name", short: "n", value: "NAME", description: "A name" }, {
      name: "fast",
      description: "Fast",
    }],
    positionals: [0, 2] as const,
    takesRest: true,
    examples: [],
    load: () => Promise.resolve(({ args }: { args: Arguments }) => load(args)),
  };
  return { name: "x", summary: "", commands: [command], examples: [] };
}

Deno.test("dispatch() gives a command its flags, its words and what comes after --", async () => {
  let seen: unknown;
  const commands = only((args) => {
    seen = [args.positionals, args.text("name"), args.has("fast"), args.rest];
    return Promise.resolve(7);
  });
  const { code } = await run(["do", "a", "-n", "b", "c", "--fast", "--", "--help", "-n"], commands);
  assert.equal(code, 7);
  assert.deepEqual(seen, [["a", "c"], "b", true, ["--help", "-n"]]);
});

Deno.test("dispatch() tells what failed and why, without a stack", async () => {
  const failing = only(() => Promise.reject(new Error("Cannot do it", { cause: new Error("No room") })));
  assert.deepEqual(await run(["do"], failing), { code: 1, stdout: "", stderr: "Cannot do it: No room\n" });
});

Deno.test("dispatch() ends with the exit code that an error has", async () => {
  const failing = only(() => Promise.reject(Object.assign(new Error("Nobody there"), { exitCode: 3 })));
  assert.deepEqual(await run(["do"], failing), { code: 3, stdout: "", stderr: "Nobody there\n" });
});

Deno.test("dispatch() says nothing and ends with code 130 after Ctrl-C", async () => {
  const controller = new AbortController();
  const interrupted = only(() => {
    controller.abort();
    return Promise.reject(new Error("Aborted"));
  });
  const { code, stderr } = await run(["do"], interrupted, controller.signal);
  assert.deepEqual([code, stderr], [130, ""]);
});

Deno.test("dispatch() answers version as text and as JSON", async () => {
  const text = await run(["version"]);
  assert.match(text.stdout, /^infranetes \d+\.\d+\.\d+ \(CRI v1, Deno [\d.]+, \w+\/\w+\)\n$/);
  const json = await run(["version", "-o", "json"]);
  assert.deepEqual(Object.keys(JSON.parse(json.stdout)), ["infranetes", "cri", "deno", "platform"]);
});
