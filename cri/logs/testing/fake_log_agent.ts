// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create } from "@bufbuild/protobuf";
import {
  type LogsResponse,
  LogsResponseSchema,
  TrimLogsResponseSchema,
} from "../../../protocol/gen/agent_pb.ts";
import { Code, RpcError } from "../../../protocol/status.ts";
import type { AgentCallOptions, AgentLink, Agents } from "../../agent_link.ts";

/** The logs of one VM's agent in memory, over sessions that a test begins and ends. */
export class FakeLogAgent implements Pick<Agents, "waitFor"> {
  /** Everything ever written, also what was trimmed. */
  bytes = new Uint8Array();
  start = 0;
  ended = false;
  /** Bytes in each message. */
  chunk = 60 * 1024;
  /** What a dishonest agent makes of a message. */
  distort: (response: LogsResponse) => LogsResponse = (response) => response;
  readonly asked: number[] = [];
  readonly trims: number[] = [];
  readonly cuts: string[] = [];
  /** Messages that were taken from it. */
  sent = 0;
  /** Whoever follows has taken everything and waits for more. */
  idle = false;
  #session: AbortController | undefined;
  #link: AgentLink | undefined;
  #wake = Promise.withResolvers<void>();

  write(text: string | Uint8Array): this {
    const more = typeof text === "string" ? new TextEncoder().encode(text) : text;
    const all = new Uint8Array(this.bytes.length + more.length);
    all.set(this.bytes);
    all.set(more, this.bytes.length);
    this.bytes = all;
    return this.#changed();
  }

  /** The container has exited: its log is complete. */
  end(): this {
    this.ended = true;
    return this.#changed();
  }

  /** A new session. */
  connect(): this {
    this.#session = new AbortController();
    const session = this.#session;
    this.#link = {
      vmId: "vm",
      containers: {
        logs: (
          request: { containerId: string; offset: bigint; orOldest: boolean },
          options: AgentCallOptions,
        ) => this.#logs(Number(request.offset), request.orOldest, session.signal, options.signal),
        trimLogs: (request: { durableOffset: bigint }) => {
          this.trims.push(Number(request.durableOffset));
          this.#changed();
          return Promise.resolve(create(TrimLogsResponseSchema));
        },
      },
      session: {
        close: (reason: string) => {
          this.cuts.push(reason);
          this.disconnect();
        },
      },
    } as unknown as AgentLink;
    return this.#changed();
  }

  disconnect(): void {
    this.#session?.abort();
    this.#session = this.#link = undefined;
    this.#changed();
  }

  async waitFor(_vmId: string, signal: AbortSignal): Promise<AgentLink> {
    await this.until(() => this.#link !== undefined, signal);
    return this.#link!;
  }

  /** Resolves when the condition holds; looked at whenever something happens here. */
  async until(condition: () => boolean, signal?: AbortSignal): Promise<void> {
    while (!condition()) {
      signal?.throwIfAborted();
      await this.#happening(signal);
    }
  }

  #changed(): this {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
    return this;
  }

  #happening(...signals: (AbortSignal | undefined)[]): Promise<void> {
    return new Promise((resolve) => {
      for (const signal of signals) signal?.addEventListener("abort", () => resolve(), { once: true });
      this.#wake.promise.then(resolve);
    });
  }

  async *#logs(offset: number, orOldest: boolean, session: AbortSignal, call?: AbortSignal) {
    this.asked.push(offset);
    this.#changed();
    if (offset < this.start) {
      if (!orOldest) throw new RpcError(Code.OUT_OF_RANGE, `Log begins at ${this.start}`);
      offset = this.start;
    }
    for (;;) {
      call?.throwIfAborted();
      if (session.aborted) throw new RpcError(Code.UNAVAILABLE, "Session has ended");
      if (offset < this.bytes.length) {
        const data = this.bytes.subarray(offset, offset + this.chunk);
        const response = create(LogsResponseSchema, { offset: BigInt(offset), data });
        offset += data.length;
        this.sent++;
        this.#changed();
        yield this.distort(response);
      } else if (this.ended) {
        if (offset > this.bytes.length) {
          throw new RpcError(Code.OUT_OF_RANGE, `Log ends at ${this.bytes.length}`);
        }
        return;
      } else {
        this.idle = true;
        this.#changed();
        await this.#happening(session, call);
        this.idle = false;
      }
    }
  }
}
