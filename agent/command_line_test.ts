// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { parseCommandLine } from "./command_line.ts";

const RUN = { name: "run", state: "/s", userData: "/u", powerOff: false, logLevel: "info" };

Deno.test("parseCommandLine() runs the agent by default", () => {
  assert.deepEqual(parseCommandLine(["--state", "/s", "--user-data=/u"]), RUN);
  assert.deepEqual(parseCommandLine(["run", "--user-data", "/u", "--state", "/s"]), RUN);
  const more = ["--state=/s", "--user-data=/u", "--power-off", "--log-level", "debug"];
  assert.deepEqual(parseCommandLine(more), { ...RUN, powerOff: true, logLevel: "debug" });
});

Deno.test("parseCommandLine() knows its other commands", () => {
  assert.deepEqual(parseCommandLine(["monitor", "c/1"]), { name: "monitor", directory: "c/1" });
  assert.deepEqual(parseCommandLine(["version"]), { name: "version" });
  for (const help of ["--help", "-h", "help"]) assert.deepEqual(parseCommandLine([help]), { name: "help" });
  assert.deepEqual(parseCommandLine(["run", "--state", "/s", "--help"]), { name: "help" });
});

const WRONG: readonly [args: string[], message: RegExp][] = [
  [[], /--state is missing/],
  [["--state", "/s"], /--user-data is missing/],
  [["--state"], /--state needs a value/],
  [["--state="], /--state needs a value/],
  [
    ["--state=/s", "--user-data=/u", "--log-level=loud"],
    /"loud" is unknown: allowed are debug, info, warning, error/,
  ],
  [["--state=/s", "--user-data=/u", "--power-off=yes"], /"--power-off=yes" is unknown/],
  [["serve"], /"serve" is unknown/],
  [["monitor"], /takes one directory/],
];

for (const [args, message] of WRONG) {
  Deno.test(`parseCommandLine() refuses [${args.join(" ")}]`, () => {
    assert.throws(() => parseCommandLine(args), message);
  });
}
