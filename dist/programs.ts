// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { V8_FLAGS } from "../lib/v8_flags.ts";

/** A system that executables are made for: the suffix of the file's name, and Deno's name for it. */
export interface Target {
  readonly suffix: string;
  readonly triple: string;
}

export interface Program {
  readonly name: string;
  /** Relative to the root of the repository. */
  readonly entry: string;
  readonly v8Flags: string;
  readonly targets: readonly Target[];
}

const LINUX_X64 = { suffix: "linux-x64", triple: "x86_64-unknown-linux-gnu" };
const LINUX_ARM64 = { suffix: "linux-arm64", triple: "aarch64-unknown-linux-gnu" };
const WINDOWS_X64 = { suffix: "windows-x64.exe", triple: "x86_64-pc-windows-msvc" };

/** Everything that is built. A node runs Linux; a VM may run Windows. */
export const PROGRAMS: readonly Program[] = [
  {
    name: "infranetes",
    entry: "cri/main.ts",
    v8Flags: V8_FLAGS.infranetes,
    targets: [LINUX_X64, LINUX_ARM64],
  },
  {
    name: "vmserver",
    entry: "agent/main.ts",
    v8Flags: V8_FLAGS.vmserver,
    targets: [LINUX_X64, LINUX_ARM64, WINDOWS_X64],
  },
];
