// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { currentBootId, isAlive, parseIdentity, parseStat, readStat } from "./identity.ts";

Deno.test("parseStat() counts fields from the last bracket, whatever the program's name is", () => {
  const rest = "S 7 42 40 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 198606 2654208 387";
  for (const name of ["sh", "a b", "evil) R 1 1 1 (", ")", "((", "new\nline"]) {
    assert.deepEqual(parseStat(`42 (${name}) ${rest}`), {
      pid: 42,
      state: "S",
      parent: 7,
      session: 40,
      startTicks: "198606",
    }, name);
  }
  for (const text of ["", "42", "42 (sh)", "42 (sh) S 1 2"]) assert.equal(parseStat(text), undefined, text);
});

Deno.test("readStat() finds this process, and nothing for an id that no process can have", () => {
  assert.equal(readStat(Deno.pid)?.pid, Deno.pid);
  assert.equal(readStat(2 ** 22 + 1), undefined);
});

Deno.test("isAlive() tells a process from a later one with its id, and from one before the machine's boot", () => {
  const identity = { pid: Deno.pid, startTicks: readStat(Deno.pid)!.startTicks, bootId: currentBootId() };
  assert.equal(isAlive(identity), true);
  assert.equal(isAlive({ ...identity, startTicks: "1" }), false);
  assert.equal(isAlive({ ...identity, bootId: "00000000-0000-4000-8000-000000000000" }), false);
});

Deno.test("parseIdentity() reads a supervisor's line and refuses a torn one", () => {
  const line = "42 198606 0c8ad0b6-5e4a-4a58-9d4e-4d7b7d1d9a10\n";
  assert.deepEqual(parseIdentity(line), {
    pid: 42,
    startTicks: "198606",
    bootId: "0c8ad0b6-5e4a-4a58-9d4e-4d7b7d1d9a10",
  });
  for (let i = 0; i < line.length; i++) assert.equal(parseIdentity(line.slice(0, i)), undefined);
});
