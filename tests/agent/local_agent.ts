// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { systemClock } from "../../lib/clock.ts";
import { Containers, Sandbox } from "../../protocol/gen/agent_pb.ts";
import { type Client, Session, transportPair } from "../../protocol/link/session.ts";
import { ExecContainer } from "../../agent/engines/exec/container.ts";
import { ExecEngine, type ExecEngineOptions } from "../../agent/engines/exec/engine.ts";
import { loadOs } from "../../agent/os/mod.ts";
import { Agent } from "../../agent/services/agent.ts";
import { agentRouter } from "../../agent/services/mod.ts";
import { AgentStore } from "../../agent/state/store.ts";
import { configureRequest, SANDBOX_ID } from "./requests.ts";

export interface LocalAgentOptions {
  /** Left in place when the agent ends, to be taken up by another one. */
  readonly directory?: string;
  readonly engine?: Partial<ExecEngineOptions>;
  readonly heartbeatMs?: number;
  /** @default true */
  readonly configure?: boolean;
}

/** The agent in this process, called over a link in memory; its containers are real. */
export class LocalAgent implements AsyncDisposable {
  readonly directory: string;
  readonly agent: Agent;
  readonly node: Session;
  readonly session: Session;
  readonly sandbox: Client<typeof Sandbox>;
  readonly containers: Client<typeof Containers>;
  /** The VM's end was ordered and may come. */
  readonly ended: Promise<void>;
  readonly nodes: string[][] = [];
  readonly #store: AgentStore;
  readonly #keep: boolean;

  private constructor(
    parts: { agent: Agent; store: AgentStore; directory: string; keep: boolean; ended: Promise<void> },
  ) {
    this.agent = parts.agent;
    this.directory = parts.directory;
    this.ended = parts.ended;
    this.#store = parts.store;
    this.#keep = parts.keep;
    const [node, agent] = transportPair();
    this.session = new Session(agent, { role: "dialer", router: agentRouter(parts.agent) });
    this.node = new Session(node, { role: "listener" });
    this.sandbox = this.node.client(Sandbox);
    this.containers = this.node.client(Containers);
  }

  static async start(options: LocalAgentOptions = {}): Promise<LocalAgent> {
    const { directory = await Deno.makeTempDir(), engine, heartbeatMs, configure = true } = options;
    const os = await loadOs();
    const store = new AgentStore(directory);
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const agent = new Agent({
      store,
      os,
      clock: systemClock,
      bootId: await os.bootId(),
      incarnation: crypto.randomUUID(),
      loadEngine: () => Promise.resolve(new ExecEngine({ os, clock: systemClock, ...engine })),
      setNodes: () => {},
      end,
    });
    if (heartbeatMs) agent.heartbeatMs = heartbeatMs;
    await agent.recover(new AbortController().signal);
    const local = new LocalAgent({ agent, store, directory, keep: options.directory !== undefined, ended });
    if (configure && !agent.sandbox) await local.sandbox.configure(configureRequest(SANDBOX_ID));
    return local;
  }

  /** Ends the agent as a kill would, as far as one process can play it: containers live on. */
  abandon(): void {
    this.node.close("test is over");
    for (const { engine } of this.agent.containers.values()) {
      if (engine instanceof ExecContainer) void engine.release();
    }
    this.#store[Symbol.dispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Not by a call: the test may have ended the session.
    const engine = await this.agent.engine();
    for (const entry of this.agent.containers.values()) {
      await engine.remove(entry.engine, AbortSignal.timeout(20_000));
    }
    this.abandon();
    if (!this.#keep) await Deno.remove(this.directory, { recursive: true });
  }
}
