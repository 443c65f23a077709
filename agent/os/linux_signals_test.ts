// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { linuxSignalNumber } from "./linux_signals.ts";

Deno.test("linuxSignalNumber() knows the numbers of signal(7)", () => {
  const names = [
    "SIGHUP",
    "SIGKILL",
    "SIGTERM",
    "SIGCLD",
    "SIGPOLL",
    "SIGRTMIN",
    "SIGRTMIN+3",
    "SIGRTMAX-14",
    "SIGRTMAX",
  ];
  assert.deepEqual(names.map(linuxSignalNumber), [1, 9, 15, 17, 29, 34, 37, 50, 64]);
});

Deno.test("linuxSignalNumber() knows no others", () => {
  for (const name of ["", "TERM", "SIGFOO", "SIGRTMIN-1", "SIGRTMAX+1", "SIGRTMIN+31", "toString"]) {
    assert.equal(linuxSignalNumber(name), undefined, name);
  }
});
