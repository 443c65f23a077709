// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { UnsupportedError } from "../../lib/errors.ts";
import type { Os, ProcessUsage } from "./os.ts";

/** Holds Windows' place: job objects and services belong here. Says so at once instead of failing later. */
export class WindowsOs implements Os {
  readonly name = "windows";
  readonly defaultPath = "C:\\Windows\\system32;C:\\Windows";
  readonly endSignals = ["SIGINT", "SIGBREAK"] as const;
  readonly user = undefined;

  constructor() {
    throw missing();
  }

  bootId(): Promise<string> {
    return Promise.reject(missing());
  }
  age(): number {
    throw missing();
  }
  startToken(): string | undefined {
    throw missing();
  }
  signalNumber(): number | undefined {
    throw missing();
  }
  signal(): Promise<boolean> {
    return Promise.reject(missing());
  }
  killGroup(): boolean {
    throw missing();
  }
  killAll(): Promise<number> {
    return Promise.reject(missing());
  }
  usage(): Promise<ProcessUsage | undefined> {
    return Promise.reject(missing());
  }
  powerOff(): Promise<void> {
    return Promise.reject(missing());
  }
}

function missing(): UnsupportedError {
  return new UnsupportedError("Agent does not run on Windows yet: use a Linux VM image");
}
