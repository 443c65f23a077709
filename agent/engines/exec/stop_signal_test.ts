// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { InvalidArgumentError } from "../../../lib/errors.ts";
import { Signal } from "../../../protocol/gen/cri_pb.ts";
import { LinuxOs } from "../../os/linux.ts";
import { stopSignalNumber } from "./stop_signal.ts";

const os = new LinuxOs();

Deno.test("stopSignalNumber() maps CRI's own numbers by name", () => {
  assert.equal(stopSignalNumber(Signal.RUNTIME_DEFAULT, os), 15);
  assert.equal(stopSignalNumber(Signal.SIGUSR1, os), 10);
  assert.equal(stopSignalNumber(Signal.SIGRTMINPLUS3, os), 37);
  assert.equal(stopSignalNumber(Signal.SIGRTMAXMINUS14, os), 50);
});

Deno.test("stopSignalNumber() finds a signal for each name that CRI has", () => {
  for (const signal of Object.values(Signal).filter((value) => typeof value === "number")) {
    assert(stopSignalNumber(signal, os) > 0, Signal[signal]);
  }
});

Deno.test("stopSignalNumber() refuses a number that CRI does not have", () => {
  assert.throws(() => stopSignalNumber(200 as Signal, os), InvalidArgumentError);
});
