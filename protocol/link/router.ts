// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type {
  DescMessage,
  DescMethod,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { Session } from "./session.ts";

/** What a handler learns about its call. */
export interface CallContext {
  /** Aborts when the caller cancels, the deadline passes or the session ends; its reason is an RpcError that says which. */
  readonly signal: AbortSignal;
  /** Milliseconds since the Unix epoch on this side's clock; undefined = none. To be shown: `signal` keeps it. */
  readonly deadline: number | undefined;
  /** The session that the call came in on: who is calling, and the way to call back. */
  readonly session: Session;
}

/** The function that serves a method. What it throws is answered through `toStatus`. */
export type Handler<M> = M extends { methodKind: infer K; input: infer I; output: infer O }
  ? I extends DescMessage ? O extends DescMessage ? K extends "unary" ? UnaryHandler<I, O>
      : K extends "server_streaming" ? ServerStreamHandler<I, O>
      : K extends "client_streaming" ? ClientStreamHandler<I, O>
      : BidiHandler<I, O>
    : never
  : never
  : never;

type Awaitable<T> = T | Promise<T>;
type UnaryHandler<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  context: CallContext,
) => Awaitable<MessageInitShape<O>>;
type ServerStreamHandler<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  context: CallContext,
) => AsyncIterable<MessageInitShape<O>>;
type ClientStreamHandler<I extends DescMessage, O extends DescMessage> = (
  requests: AsyncIterable<MessageShape<I>>,
  context: CallContext,
) => Awaitable<MessageInitShape<O>>;
type BidiHandler<I extends DescMessage, O extends DescMessage> = (
  requests: AsyncIterable<MessageShape<I>>,
  context: CallContext,
) => AsyncIterable<MessageInitShape<O>>;

/** The handlers of a service by local method name. */
export type ServiceImpl<S extends DescService> = { [K in keyof S["method"]]: Handler<S["method"][K]> };

/** A method and its handler with the types taken off: `serve` knows which of the four kinds it is. */
export interface Route {
  readonly method: DescMethod;
  readonly handler: (input: unknown, context: CallContext) => unknown;
}

/** The name under which a method is called: `package.Service/Method`. */
export function methodName(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

/** Which methods one side of a session serves. One router may serve many sessions. */
export class Router {
  readonly #routes = new Map<string, Route>();

  /** Adds handlers of a service. Methods without one answer UNIMPLEMENTED. Throws TypeError if one is there already. */
  service<S extends DescService>(desc: S, impl: Partial<ServiceImpl<S>>): this {
    for (const method of desc.methods) {
      const handler: unknown = impl[method.localName as keyof typeof impl];
      if (handler === undefined) continue;
      const name = methodName(method);
      if (typeof handler !== "function") throw new TypeError(`Handler of ${name} is not a function`);
      if (this.#routes.has(name)) throw new TypeError(`Cannot add a second handler of ${name}`);
      this.#routes.set(name, { method, handler: handler.bind(impl) });
    }
    return this;
  }

  find(name: string): Route | undefined {
    return this.#routes.get(name);
  }
}
