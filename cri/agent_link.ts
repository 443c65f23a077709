// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * What the node's calls need of the agents: which VM is linked now, and its two services as functions. Kept apart from
 * the listening end (`agents/`), which implements it, so that calls can be tested without sockets and certificates.
 * @module
 */
import type {
  DescMessage,
  DescMethod,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { Containers, HelloRequest, Sandbox } from "../protocol/gen/agent_pb.ts";
import type { SessionEnd } from "../protocol/link/session_end.ts";
import type { Transport } from "../protocol/link/transport.ts";

export interface AgentCallOptions {
  readonly signal?: AbortSignal;
  /** The agent is told, so that it stops too. */
  readonly timeoutMs?: number;
}

type Requests<Input extends DescMessage> = AsyncIterable<MessageInitShape<Input>>;

type AgentMethod<Method extends Pick<DescMethod, "input" | "output" | "methodKind">> =
  Method["methodKind"] extends "unary" ? (
      input: MessageInitShape<Method["input"]>,
      options?: AgentCallOptions,
    ) => Promise<MessageShape<Method["output"]>>
    : Method["methodKind"] extends "server_streaming" ? (
        input: MessageInitShape<Method["input"]>,
        options?: AgentCallOptions,
      ) => AsyncIterable<MessageShape<Method["output"]>>
    : Method["methodKind"] extends "client_streaming" ? (
        input: Requests<Method["input"]>,
        options?: AgentCallOptions,
      ) => Promise<MessageShape<Method["output"]>>
    : (
      input: Requests<Method["input"]>,
      options?: AgentCallOptions,
    ) => AsyncIterable<MessageShape<Method["output"]>>;

/** A service of the agent. Calls reject with an `RpcError`, UNAVAILABLE once the session has ended. */
export type AgentClient<Service extends DescService> = {
  readonly [Name in keyof Service["method"]]: AgentMethod<Service["method"][Name]>;
};

/** One session with the agent of a VM, authenticated and past Hello. */
export interface AgentLink {
  readonly vmId: string;
  readonly hello: HelloRequest;
  readonly sandbox: AgentClient<typeof Sandbox>;
  readonly containers: AgentClient<typeof Containers>;
  readonly session: { close(reason: string, code?: number): void };
  /** Never rejects. */
  readonly closed: Promise<SessionEnd>;
}

/** The sessions of all VMs. */
export interface Agents {
  /** The current session. */
  get(vmId: string): AgentLink | undefined;
  /** The current or the next session. Rejects with the signal's reason. */
  waitFor(vmId: string, signal: AbortSignal): Promise<AgentLink>;
  /** Told of every new session after its Hello. */
  onlink: ((link: AgentLink) => void) | null;
  /** The VM is deleted: ends its session and refuses new ones. */
  forget(vmId: string): void;
  /** A link that the provider has bound to this VM by construction. */
  attach(vmId: string, transport: Transport): void;
}
