// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { removeIfExists } from "../state/atomic_file.ts";
import { splitLines } from "./lines.ts";
import type { MonitorCommand, MonitorEvent } from "./spec.ts";

const encoder = new TextEncoder();
/** An agent that does not read for so long when all is over is told by exit.json. */
const CLOSE_BOUND_MS = 1_000;

/** @see EventServer */
export interface EventServerOptions {
  /** All that is known now. */
  readonly state: () => MonitorEvent;
  readonly oncommand: (command: MonitorCommand) => void;
}

/**
 * A unix socket on which the agent hears of changes and sends signals. Changes are coalesced: a reader gets the state as
 * it is when the reader is ready, and a slow one costs no memory.
 */
export class EventServer {
  readonly #options: EventServerOptions;
  readonly #path: string;
  readonly #listener: Deno.UnixListener;
  readonly #connections = new Map<Deno.UnixConn, Promise<void>>();
  #changed = Promise.withResolvers<void>();
  #version = 1;
  #closing = false;

  /** Replaces a socket that a dead predecessor left. */
  constructor(path: string, options: EventServerOptions) {
    this.#path = path;
    this.#options = options;
    removeIfExists(path);
    this.#listener = Deno.listen({ transport: "unix", path });
    void this.#accept();
  }

  /** The state changed. */
  changed(): void {
    this.#version += 1;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  /** Tells everybody the last state and ends. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#listener.close();
    removeIfExists(this.#path);
    this.changed();
    const timer = setTimeout(
      () => this.#connections.forEach((_, connection) => close(connection)),
      CLOSE_BOUND_MS,
    );
    await Promise.all(this.#connections.values());
    clearTimeout(timer);
  }

  async #accept(): Promise<void> {
    try {
      for await (const connection of this.#listener) {
        const done = Promise.all([this.#tell(connection), this.#hear(connection)])
          .then(() => void this.#connections.delete(connection));
        this.#connections.set(connection, done);
      }
    } catch (error) {
      if (!this.#closing) throw error;
    }
  }

  async #tell(connection: Deno.UnixConn): Promise<void> {
    try {
      for (let told = 0;;) {
        const last = this.#closing;
        if (told !== this.#version) {
          told = this.#version;
          await writeLine(connection, JSON.stringify(this.#options.state()));
        } else if (last) {
          break;
        } else {
          await this.#changed.promise;
        }
      }
    } catch {
      // The agent went away: another one asks anew.
    }
    close(connection);
  }

  async #hear(connection: Deno.UnixConn): Promise<void> {
    try {
      for await (const line of splitLines(connection.readable)) this.#options.oncommand(JSON.parse(line));
    } catch {
      // As above; nobody but the agent can open this socket.
    }
    close(connection);
    this.changed();
  }
}

async function writeLine(connection: Deno.UnixConn, text: string): Promise<void> {
  const bytes = encoder.encode(`${text}\n`);
  for (let done = 0; done < bytes.length;) done += await connection.write(bytes.subarray(done));
}

function close(connection: Deno.UnixConn): void {
  try {
    connection.close();
  } catch {
    // Closed already.
  }
}
