// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { LogSink } from "./log_writer.ts";

/** For a container without a log path: what it says is taken from its agent, so that it does not pile up there, and dropped. */
export class DiscardingLog implements LogSink {
  readonly discards = true;
  readonly begun = new Uint8Array();
  position = 0;

  append(records: Uint8Array): Promise<void> {
    this.position += records.length;
    return Promise.resolve();
  }

  skip(position: number): Promise<void> {
    this.position = position;
    return Promise.resolve();
  }

  reopen(): Promise<void> {
    return Promise.resolve();
  }

  sync(): Promise<number> {
    return Promise.resolve(this.position);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
