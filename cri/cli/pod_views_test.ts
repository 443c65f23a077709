// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import type { ContainerView, PodView } from "../http/api.ts";
import { formatAge } from "./age.ts";
import { podText } from "./pod_inspect_command.ts";
import { podTable } from "./pod_ls_command.ts";

const NOW = Date.UTC(2026, 10, 21, 12, 0, 0);

function ago(seconds: number): string {
  return new Date(NOW - seconds * 1000).toISOString();
}

const RUNNING: ContainerView = {
  name: "main",
  image: "infranetes.io/exec:latest",
  id: "c0ffee",
  state: "running",
  reason: "",
  message: "",
  restarts: 0,
  pid: 4711,
  startedAt: ago(61),
  finishedAt: null,
  exitCode: null,
  restartAt: null,
};

const HELLO: PodView = {
  namespace: "default",
  name: "hello",
  uid: "0b5e-1",
  phase: "Running",
  reason: "",
  createdAt: ago(62),
  readyAt: ago(61.8),
  addresses: ["127.64.0.1"],
  profile: "process",
  vm: { id: "abcd", provider: "local", instanceId: "abcd" },
  restartPolicy: "Always",
  phases: { create: 12, link: 140, configure: 9, watch: 3 },
  containers: [RUNNING],
  warnings: [],
};

const CRASHING: PodView = {
  ...HELLO,
  namespace: "tests",
  name: "crashing-pod",
  reason: "CrashLoopBackOff",
  createdAt: ago(3 * 86_400 + 7200),
  containers: [RUNNING, {
    ...RUNNING,
    name: "bad",
    state: "exited",
    reason: "Error",
    message: "no such table\n",
    restarts: 5,
    pid: null,
    finishedAt: ago(30),
    exitCode: 3,
    restartAt: ago(-130),
  }],
  warnings: ["Mount /etc/hosts is not presented"],
};

Deno.test("podTable() lines up its columns", () => {
  assert.equal(
    podTable([HELLO, CRASHING], NOW),
    `NAMESPACE  NAME          READY  STATUS            RESTARTS  AGE   ADDRESS     PROFILE
default    hello         1/1    Running           0         1m2s  127.64.0.1  process
tests      crashing-pod  1/2    CrashLoopBackOff  5         3d2h  127.64.0.1  process`,
  );
});

Deno.test("podTable() shows the heading alone when there is no pod", () => {
  assert.equal(podTable([], NOW), "NAMESPACE  NAME  READY  STATUS  RESTARTS  AGE  ADDRESS  PROFILE");
});

Deno.test("podText() shows everything about a pod", () => {
  assert.equal(
    podText(CRASHING, NOW),
    `Pod:        tests/crashing-pod
Uid:        0b5e-1
Status:     Running (CrashLoopBackOff)
Created:    2026-11-18T10:00:00.000Z (3d2h ago)
Addresses:  127.64.0.1
Profile:    process
VM:         abcd (local abcd)
Restarts:   Always

Container main
  Image:     infranetes.io/exec:latest
  State:     running for 1m1s, pid 4711
  Restarts:  0
  Id:        c0ffee

Container bad
  Image:     infranetes.io/exec:latest
  State:     exited 30s ago with code 3 (Error), restarts in 2m10s
  Restarts:  5
  Message:   no such table
  Id:        c0ffee

Start
  create:     12 ms
  link:       140 ms
  configure:  9 ms
  watch:      3 ms

Warnings
  Mount /etc/hosts is not presented`,
  );
});

for (
  const [seconds, text] of [
    [0, "0s"],
    [59, "59s"],
    [60, "1m"],
    [312, "5m12s"],
    [3599, "59m"],
    [10_800, "3h"],
    [187_200, "2d4h"],
    [-5, "0s"],
  ] as const
) {
  Deno.test(`formatAge() shows ${seconds} s as ${text}`, () => assert.equal(formatAge(seconds * 1000), text));
}
