// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { parseStat, processAge } from "./linux_proc.ts";

const REST = "S 1 30 30 0 -1 4194560 110 0 0 0 5 7 11 13 20 0 1 0 185957 2654208 403 18446744073709551615";

Deno.test("parseStat() reads the fields behind the command", () => {
  assert.deepEqual(parseStat(`42 (sh) ${REST}`), {
    pid: 42,
    state: "S",
    parent: 1,
    group: 30,
    session: 30,
    cpuTicks: 36,
    startTicks: "185957",
  });
});

Deno.test("parseStat() is not fooled by a command with brackets, spaces and newlines", () => {
  assert.equal(parseStat(`42 (a) R 1 (b\n) ${REST}`)?.startTicks, "185957");
});

Deno.test("parseStat() answers nothing for a file that was cut off", () => {
  assert.equal(parseStat(""), undefined);
  assert.equal(parseStat("42 (sh) S 1 30"), undefined);
});

Deno.test("processAge() is the time from the start in ticks to the uptime in seconds", () => {
  const stat = parseStat(`42 (sh) ${REST}`)!;
  assert.equal(processAge("1860.25 3400.11\n", stat), 680);
});
