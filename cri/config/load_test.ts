// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { loadConfig, parseConfig } from "./load.ts";
import type { Environment, Flags } from "./overrides.ts";
import { ProblemsError } from "./problem.ts";

const MINIMAL = `unsafe: true
providers:
  local: { kind: process }
profiles:
  small: { provider: local }
defaultProfile: small
`;

function parse(text: string, environment: Environment = {}, flags: Flags = {}) {
  return parseConfig("node.yaml", text, { environment, flags, hostname: "Host-1.example.org" });
}

function problemsOf(text: string, environment: Environment = {}, flags: Flags = {}): string[] {
  try {
    parse(text, environment, flags);
  } catch (error) {
    assert(error instanceof ProblemsError, String(error));
    return error.message.split("\n");
  }
  return [];
}

Deno.test("parseConfig() fills in every default", () => {
  const config = parse(MINIMAL);
  assert.deepEqual(config.socket, { path: "/run/infranetes/infranetes.sock", mode: 0o660, group: "" });
  assert.deepEqual(config.profiles.small, {
    provider: "local",
    image: "",
    engine: "exec",
    sizes: [{ cpus: 1, memoryBytes: 536_870_912 }],
  });
  assert.equal(config.timeouts.run, 220_000);
  assert.equal(config.timeouts.orphan, 0);
  assert.equal(config.node, "host-1");
  assert.equal(config.log.format, "text");
});

Deno.test("parseConfig() prefers flags to the environment and the environment to the file", () => {
  const text = `${MINIMAL}log: { level: error, format: json }\nstateDir: /file\n`;
  const environment = {
    INFRANETES_LOG_LEVEL: "info",
    INFRANETES_STATE_DIR: "/environment",
    INFRANETES_LINK_PORT: "7000",
    INFRANETES_LINK_ADDRESSES: "a.example:1, b.example",
    INFRANETES_NODE: "",
  };
  const config = parse(text, environment, { "log-level": "debug", "state-dir": undefined });
  assert.equal(config.log.level, "debug");
  assert.equal(config.log.format, "json");
  assert.equal(config.stateDir, "/environment");
  assert.equal(config.link.port, 7000);
  assert.deepEqual(config.link.addresses, ["a.example:1", "b.example"]);
  assert.equal(config.node, "host-1");
});

Deno.test("parseConfig() takes everything from the environment over an empty file, if it can", () => {
  assert.deepEqual(problemsOf("", { INFRANETES_DEFAULT_PROFILE: "small" }), [
    "node.yaml:1:1: providers: Must be present: must be a mapping",
    "node.yaml:1:1: profiles: Must be present: must be a mapping",
    "environment INFRANETES_DEFAULT_PROFILE: defaultProfile: Must be the name of an entry of profiles: " +
    'there are: none (given: "small")',
  ]);
});

const ONE_PROBLEM: readonly (readonly [name: string, text: string, problem: string])[] = [
  [
    "an unknown key with the key that was meant",
    `${MINIMAL}stateDri: /x\n`,
    'node.yaml:7:1: stateDri: Unknown key: did you mean "stateDir"?',
  ],
  [
    "an unknown key with the keys that are known there",
    `${MINIMAL}log: { colour: red }\n`,
    "node.yaml:7:8: log.colour: Unknown key: known here: level, format",
  ],
  [
    "a value that is not allowed with those that are",
    `${MINIMAL}log: { level: loud }\n`,
    'node.yaml:7:8: log.level: Must be one of "debug", "info", "warning", "error" (given: "loud")',
  ],
  [
    "a number where text of a form is expected",
    `${MINIMAL}timeouts:\n  run: 5\n`,
    "node.yaml:8:3: timeouts.run: Must be a duration such as 90s, 5m or 1h30m (given: 5)",
  ],
  [
    "an octal mode that YAML made a number",
    `${MINIMAL}socket: { mode: 0660 }\n`,
    'node.yaml:7:11: socket.mode: Must be four octal digits in quotes, such as "0660" (given: 660)',
  ],
  [
    "a port that does not exist",
    `${MINIMAL}link: { port: 65536 }\n`,
    "node.yaml:7:9: link.port: Must be at most 65535 (given: 65536)",
  ],
  [
    "a relative path",
    `${MINIMAL}stateDir: var\n`,
    'node.yaml:7:1: stateDir: Must be an absolute path (given: "var")',
  ],
  [
    "a socket path that no socket can have",
    `${MINIMAL}socket: { path: /${"x".repeat(107)} }\n`,
    "node.yaml:7:11: socket.path: Must be at most 107 bytes, the limit for a unix socket " +
    `(given: "/${"x".repeat(58)}…)`,
  ],
  [
    "a profile of a provider that is not there",
    MINIMAL.replace("provider: local", "provider: lokal"),
    'node.yaml:5:12: profiles.small.provider: Must be the name of an entry of providers: did you mean "local"? ' +
    '(given: "lokal")',
  ],
  [
    "a default profile that is not there",
    MINIMAL.replace("defaultProfile: small", "defaultProfile: huge-one"),
    "node.yaml:6:1: defaultProfile: Must be the name of an entry of profiles: there are: small " +
    '(given: "huge-one")',
  ],
  [
    "the process provider without unsafe",
    MINIMAL.replace("unsafe: true", "unsafe: false"),
    "node.yaml:3:12: providers.local.kind: Pods of this kind run on the node without any isolation: " +
    'allowed only with unsafe: true (given: "process")',
  ],
  [
    "a kind of provider that does not exist",
    `${MINIMAL.replace("kind: process", "kind: proces")}`,
    'node.yaml:3:12: providers.local.kind: Must be one of "fake", "process" (given: "proces")',
  ],
  [
    "a key that a provider does not know",
    `${MINIMAL.replace("kind: process", "kind: process, directry: /x")}`,
    'node.yaml:3:27: providers.local.directry: Unknown key: did you mean "directory"?',
  ],
  [
    "a name that cannot be a tag",
    `${MINIMAL}cluster: My Cluster\n`,
    "node.yaml:7:1: cluster: Must be 1 to 63 lower-case letters, digits or '-', beginning and ending with a letter " +
    'or digit (given: "My Cluster")',
  ],
  [
    "sizes out of order",
    `${MINIMAL}`.replace(
      "provider: local",
      "provider: local, sizes: [{cpus: 2, memory: 1Gi}, {cpus: 1, memory: 2Gi}]",
    ),
    "node.yaml:5:61: profiles.small.sizes[1]: Sizes must be in ascending order",
  ],
  [
    "two sockets at one path",
    `${MINIMAL}socket: { path: /a }\nclient: { socket: { path: /a } }\n`,
    'node.yaml:8:21: client.socket.path: Must differ from socket.path (given: "/a")',
  ],
  [
    "no profiles",
    "unsafe: true\nproviders: { local: { kind: process } }\nprofiles: {}\ndefaultProfile: 7\n",
    "node.yaml:3:1: profiles: Must have at least one entry (given: {})",
  ],
  [
    "text that is not YAML",
    `a: [1, 2\nb: }`,
    "node.yaml:2:1: Not YAML: ",
  ],
  [
    "a key that stands twice",
    `${MINIMAL}cluster: a\ncluster: b\n`,
    "node.yaml:8:1: Not YAML: The same key stands twice in one mapping",
  ],
  [
    "several documents",
    `${MINIMAL}---\n${MINIMAL}`,
    "node.yaml:7:1: Not YAML: The file holds more than one document (`---`): one is expected",
  ],
  [
    "a list at the top",
    "- a\n- b\n",
    'node.yaml:1:1: Must be a mapping of keys to values at the top (given: ["a","b"])',
  ],
  [
    "text at the top",
    "hello\n",
    'node.yaml:1:1: Must be a mapping of keys to values at the top (given: "hello")',
  ],
];

for (const [name, text, problem] of ONE_PROBLEM) {
  Deno.test(`parseConfig() refuses ${name}`, () => {
    const problems = problemsOf(text);
    assert(problems.length > 0, "the configuration was accepted");
    assert(problems[0]!.startsWith(problem), problems.join("\n"));
  });
}

Deno.test("parseConfig() tells every problem at once, in the order of the file, those of flags and environment last", () => {
  const text = `stateDir: var
log: { level: loud, colour: red }
providers:
  local: { kind: process }
profiles:
  small: { provider: lokal, sizes: [{ cpus: 0, memory: 5x }] }
`;
  const problems = problemsOf(text, { INFRANETES_LINK_PORT: "abc" }, { "log-format": "xml" });
  const places = problems.map((problem) => problem.split(": ").slice(0, 2).join(" "));
  assert.deepEqual(places, [
    "node.yaml:1:1 stateDir",
    "node.yaml:1:1 defaultProfile",
    "node.yaml:2:8 log.level",
    "node.yaml:2:21 log.colour",
    "node.yaml:4:12 providers.local.kind",
    "node.yaml:6:12 profiles.small.provider",
    "node.yaml:6:39 profiles.small.sizes[0].cpus",
    "node.yaml:6:48 profiles.small.sizes[0].memory",
    "environment INFRANETES_LINK_PORT link.port",
    "flag --log-format log.format",
  ]);
});

Deno.test("loadConfig() says of a missing file that it does not exist, of a directory that it is one", async () => {
  const options = { environment: {}, flags: {}, hostname: "h" };
  const directory = await Deno.makeTempDir();
  try {
    await assert.rejects(
      loadConfig(`${directory}/none.yaml`, options),
      /none\.yaml: The file does not exist/,
    );
    await assert.rejects(loadConfig(directory, options), /This is a directory: a file is expected/);
  } finally {
    await Deno.remove(directory);
  }
});
