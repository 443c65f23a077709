// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { splitLines } from "../../monitor/lines.ts";
import { type MonitorCommand, type MonitorEvent, SOCKET_FILE } from "../../monitor/spec.ts";

const encoder = new TextEncoder();

/** The agent's end of a monitor's socket. */
export class MonitorLink {
  readonly #connection: Deno.UnixConn;
  #sent: Promise<void> = Promise.resolve();

  private constructor(connection: Deno.UnixConn) {
    this.#connection = connection;
  }

  /** Undefined if no monitor listens in that directory. */
  static async connect(directory: string): Promise<MonitorLink | undefined> {
    try {
      return new MonitorLink(await Deno.connect({ transport: "unix", path: `${directory}/${SOCKET_FILE}` }));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.ConnectionRefused) {
        return undefined;
      }
      throw error;
    }
  }

  /** The monitor's events, the present state first, until the monitor ends or the link is closed. */
  async *events(): AsyncGenerator<MonitorEvent> {
    try {
      for await (const line of splitLines(this.#connection.readable)) yield JSON.parse(line) as MonitorEvent;
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  /** Commands arrive in order. One to a monitor that has ended is of no consequence: so has its container. */
  send(command: MonitorCommand): Promise<void> {
    this.#sent = this.#sent.then(() => this.#write(encoder.encode(`${JSON.stringify(command)}\n`)));
    return this.#sent;
  }

  close(): void {
    try {
      this.#connection.close();
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length;) done += await this.#connection.write(bytes.subarray(done));
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.BadResource || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.Interrupted;
}
