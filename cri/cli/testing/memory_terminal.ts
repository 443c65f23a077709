// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { Terminal } from "../terminal.ts";

/** A terminal that remembers what was written to it. */
export class MemoryTerminal implements Terminal {
  readonly interactive: boolean;
  stdout = "";
  stderr = "";

  constructor(interactive = false) {
    this.interactive = interactive;
  }

  print(text: string): void {
    this.stdout += `${text}\n`;
  }

  note(text: string): void {
    this.stderr += `${text}\n`;
  }

  write(bytes: Uint8Array, stream: "stdout" | "stderr"): void {
    this[stream] += new TextDecoder().decode(bytes);
  }
}
