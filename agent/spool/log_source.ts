// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * A container's log as a stream of finished CRI records: bytes addressed by their offset since the container's start.
 * Written by the container's monitor, read by the node through the agent, trimmed when the node has it on its disk.
 */
export interface LogSource {
  /** Offset behind the last byte written so far. */
  readonly end: number;
  /** Offset of the first byte that is still there. */
  readonly start: number;
  /**
   * The bytes from `offset` on, in chunks of at most 60 KiB, following the log until it is complete. A chunk is valid
   * until the next one is asked for.
   * @throws {RangeError} if the offset was trimmed or lies behind the end of a complete log
   */
  read(offset: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** What lies before the offset may be deleted. */
  trim(durableOffset: number): Promise<void>;
}
