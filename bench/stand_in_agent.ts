// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { join } from "node:path";
import { LINK_PATH } from "../protocol/enrolment.ts";
import { Node, Sandbox } from "../protocol/gen/agent_pb.ts";
import { Router, Session } from "../protocol/link/session.ts";
import { dialWebSocket } from "../protocol/link/websocket_client.ts";
import { PROTOCOL } from "../protocol/version.ts";
import { onlyProcess } from "./proc.ts";

/** Agents keep one client each, and so resume their TLS sessions: some of ours do, others begin with a full handshake. */
const SESSIONS_PER_CLIENT = 20;

interface Credentials {
  readonly key: string;
  readonly certificate: string;
  readonly authorities: readonly string[];
}

/** Takes the place of a VM's agent, with that agent's identity, to open and close sessions at will. */
export class StandInAgent implements Disposable {
  readonly #url: string;
  readonly #credentials: Credentials;
  readonly #router: Router;
  readonly #bootId: string;
  readonly #sandboxId: string;
  #epoch: number;
  #client: Deno.HttpClient | undefined;
  #sessions = 0;
  #watched = Promise.withResolvers<void>();

  private constructor(directory: string, sandboxId: string) {
    const link = join(directory, "agent", "link");
    const { nodes, epoch } = readJson<{ nodes: string[]; epoch: number }>(join(link, "link.json"));
    this.#url = `wss://${nodes[0]}${LINK_PATH}`;
    this.#epoch = epoch;
    this.#credentials = readJson<Credentials>(join(link, "identity.json"));
    this.#bootId = Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
    this.#sandboxId = sandboxId;
    this.#router = this.#newRouter(sandboxId);
  }

  /**
   * Halts the agent: a process that exists and does nothing, so that its VM is not taken for lost.
   * @param vmDirectory The VM's own directory
   */
  static replace(vmDirectory: string, sandboxId: string): StandInAgent {
    Deno.kill(onlyProcess(vmDirectory, "vmserver").pid, "SIGSTOP");
    return new StandInAgent(vmDirectory, sandboxId);
  }

  /** One session: handshakes, Hello, the node's Watch, end. */
  async session(): Promise<void> {
    if (this.#sessions++ % SESSIONS_PER_CLIENT === 0) this.#renewClient();
    this.#watched = Promise.withResolvers();
    const transport = await dialWebSocket(this.#url, { client: this.#client });
    const session = new Session(transport, { role: "dialer", router: this.#router });
    await session.client(Node).hello(this.#hello());
    // A session that ends before is a failure; its reason is what to tell.
    const ended = session.closed.then(({ reason }) => {
      throw new Error(`Session ended before the node watched: ${reason}`);
    });
    await Promise.race([this.#watched.promise, ended]);
    ended.catch(() => {}); // From now on it is meant to end.
    session.close("Measured");
    await transport.closed;
  }

  [Symbol.dispose](): void {
    this.#client?.close();
  }

  #hello() {
    return {
      protocolOldest: PROTOCOL.oldest,
      protocolNewest: PROTOCOL.newest,
      agentVersion: "bench",
      bootId: this.#bootId,
      epoch: BigInt(++this.#epoch),
      os: "linux",
      arch: "x86_64",
      engine: "exec",
      sandboxId: this.#sandboxId,
    };
  }

  #renewClient(): void {
    this.#client?.close();
    const { key, certificate, authorities } = this.#credentials;
    this.#client = Deno.createHttpClient({ caCerts: [...authorities], cert: certificate, key });
  }

  #newRouter(sandboxId: string): Router {
    const bootId = this.#bootId;
    const watched = () => this.#watched.resolve();
    return new Router().service(Sandbox, {
      setNodes: () => ({}),
      watch: async function* (_requests, { signal }) {
        const value = { sandboxId, bootId, containers: [] };
        yield { incarnation: "bench", sequence: 1n, event: { case: "snapshot", value } as const };
        watched();
        const over = Promise.withResolvers<void>();
        signal.addEventListener("abort", () => over.resolve(), { once: true });
        await over.promise;
      },
    });
  }
}

function readJson<T>(file: string): T {
  return JSON.parse(Deno.readTextFileSync(file)) as T;
}
