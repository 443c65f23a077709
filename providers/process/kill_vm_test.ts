// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { membersOf } from "./kill_vm.ts";
import type { ProcessEntry } from "./process_table.ts";

const VM = "a".repeat(32);
const OTHER = "b".repeat(32);

function entry(pid: number, parent: number, session: number, vmId?: string): ProcessEntry {
  return { pid, parent, session, vmId, state: "S", startTicks: String(pid) };
}

function members(table: readonly ProcessEntry[], sessions = new Set<number>()): number[] {
  return membersOf(VM, table, sessions).map(({ pid }) => pid);
}

Deno.test("membersOf() finds what carries the mark, and its descendants without it", () => {
  const table = [
    entry(1, 0, 1),
    entry(10, 1, 10, VM),
    entry(11, 10, 11),
    entry(12, 11, 12),
    entry(20, 1, 20),
  ];
  assert.deepEqual(members(table), [10, 11, 12]);
});

Deno.test("membersOf() finds sessions that the VM made, also when their leader is dead", () => {
  const leads = [entry(10, 1, 10, VM), entry(11, 1, 10)];
  assert.deepEqual(members(leads), [10, 11]);
  const orphaned = [entry(12, 1, 10, VM), entry(13, 1, 10)];
  assert.deepEqual(members(orphaned), [12, 13]);
});

Deno.test("membersOf() remembers sessions whose marked processes have died since", () => {
  const sessions = new Set<number>();
  assert.deepEqual(members([entry(10, 1, 10, VM), entry(11, 1, 10)], sessions), [10, 11]);
  assert.deepEqual(members([entry(11, 1, 10)], sessions), [11]);
});

Deno.test("membersOf() leaves the session alone in which somebody tries out an agent", () => {
  const terminal = [entry(10, 1, 10), entry(11, 10, 10, VM), entry(12, 10, 10)];
  assert.deepEqual(members(terminal), [11]);
});

Deno.test("membersOf() never takes another VM's process, process 1 or this one", () => {
  const table = [
    entry(1, 0, 1, VM),
    entry(Deno.pid, 1, 5, VM),
    entry(10, 1, 10, VM),
    entry(11, 10, 10, OTHER),
  ];
  assert.deepEqual(members(table), [10]);
});
