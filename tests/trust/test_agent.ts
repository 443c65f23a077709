// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { systemClock } from "../../lib/clock.ts";
import type { HelloResponse } from "../../protocol/gen/agent_pb.ts";
import { Sandbox } from "../../protocol/gen/agent_pb.ts";
import { Router } from "../../protocol/link/session.ts";
import type { Session } from "../../protocol/link/session.ts";
import type { UserData } from "../../protocol/user_data.ts";
import { AgentConnection } from "../../agent/link/connection.ts";
import type { ConnectionOptions, HelloFacts } from "../../agent/link/connection.ts";

export type TestAgentOptions = Partial<Omit<ConnectionOptions, "userData">> & {
  readonly hello?: Partial<HelloFacts>;
  readonly onorphaned?: () => void;
};

const HELLO: HelloFacts = {
  agentVersion: "test",
  bootId: "boot",
  os: "linux",
  arch: "x86_64",
  startedAt: 1n,
  sandboxId: "",
  engine: "exec",
};

/** An agent that does nothing but hold its link. */
export class TestAgent implements AsyncDisposable {
  readonly connection: AgentConnection;
  readonly directory: string;
  /** How `run` ended. */
  readonly ended: Promise<void>;
  readonly #stop = new AbortController();
  readonly #sessions: { readonly session: Session; readonly answer: HelloResponse }[] = [];
  #next = Promise.withResolvers<void>();

  private constructor(directory: string, userData: UserData, options: TestAgentOptions) {
    const { hello, onorphaned = () => {}, ...rest } = options;
    this.directory = directory;
    this.connection = new AgentConnection({
      clock: systemClock,
      random: () => 0,
      ...rest,
      directory,
      userData,
    });
    const router = new Router().service(Sandbox, {
      setNodes: async ({ nodes }) => {
        await this.connection.setNodes(nodes);
        return {};
      },
      describe: () => ({ sandboxId: "described" }),
    });
    const onsession = (session: Session, answer: HelloResponse) => {
      this.#sessions.push({ session, answer });
      this.#next.resolve();
      this.#next = Promise.withResolvers();
    };
    this.ended = this.connection.run(this.#stop.signal, {
      router,
      hello: () => ({ ...HELLO, ...hello }),
      onsession,
      onorphaned,
    });
    // Looked at by tests that expect it to fail; the others would see it at the end.
    this.ended.catch(() => {});
  }

  static async start(userData: UserData, options: TestAgentOptions = {}): Promise<TestAgent> {
    const directory = options.directory ?? await Deno.makeTempDir();
    return new TestAgent(directory, userData, options);
  }

  /** The session with this number, from 0, as soon as it has begun. Rejects when the agent ends without it. */
  async session(number = 0) {
    while (this.#sessions.length <= number) {
      await Promise.race([
        this.#next.promise,
        this.ended.then(() => Promise.reject(new Error("Agent ended without a session"))),
      ]);
    }
    return this.#sessions[number]!;
  }

  /** Ends it but leaves its disk. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.ended.catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.directory, { recursive: true }).catch(() => {});
  }
}
