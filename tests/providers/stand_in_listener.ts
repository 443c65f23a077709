// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../lib/clock.ts";
import { deadline, untilAborted } from "../../lib/deadline.ts";

const CALL_TIMEOUT_MS = 30_000;

export const STAND_IN_AGENT = [
  Deno.execPath(),
  "run",
  "--quiet",
  "--allow-all",
  "--no-config",
  fileURLToPath(new URL("stand_in_agent.ts", import.meta.url)),
];

/** A stand-in agent that has called. */
export interface StandIn {
  readonly vmId: string;
  readonly pid: number;
  /** Names of its environment variables. */
  readonly environment: readonly string[];
  /** Resolves when it is dead. */
  readonly ended: Promise<void>;
  exit(code: number): Promise<void>;
}

/** Where stand-in agents call. Each call is an event to wait for. */
export class StandInListener implements AsyncDisposable {
  readonly socket: string;
  readonly #listener: Deno.UnixListener;
  readonly #connections: Deno.UnixConn[] = [];

  constructor(directory: string) {
    this.socket = join(directory, "test.sock");
    this.#listener = Deno.listen({ transport: "unix", path: this.socket });
  }

  /** The next one that calls. */
  async next(): Promise<StandIn> {
    using limit = deadline(CALL_TIMEOUT_MS, { clock: systemClock, what: "Call of a stand-in agent" });
    const connection = await untilAborted(this.#listener.accept(), limit.signal);
    this.#connections.push(connection);
    const { vmId, pid, environment } = JSON.parse(await readLine(connection));
    return {
      vmId,
      pid,
      environment,
      get ended() {
        return readLine(connection).then(() => {});
      },
      exit: async (code) => void await connection.write(new TextEncoder().encode(`${code}\n`)),
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.close();
    this.#listener.close();
    return Promise.resolve();
  }
}

/** What comes before the first newline or the end. */
async function readLine(connection: Deno.Conn): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  for (let text = "";;) {
    const read = await connection.read(buffer).catch(() => null);
    if (read === null) return text;
    text += decoder.decode(buffer.subarray(0, read), { stream: true });
    if (text.includes("\n")) return text;
  }
}
