// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { DescService } from "@bufbuild/protobuf";
import type { CallContext, ServiceImpl } from "../../protocol/link/session.ts";

type Handler = (input: unknown, context: CallContext) => unknown;

/** The same handlers, each after `check`, which throws if the call is not to be served. */
export function guardService<S extends DescService>(
  desc: S,
  impl: Partial<ServiceImpl<S>>,
  check: (context: CallContext) => void,
): Partial<ServiceImpl<S>> {
  const handlers = impl as Record<string, Handler | undefined>;
  const guarded: Record<string, Handler> = {};
  for (const { localName } of desc.methods) {
    const handler = handlers[localName];
    if (!handler) continue;
    guarded[localName] = (input, context) => {
      check(context);
      return handler.call(impl, input, context);
    };
  }
  return guarded as Partial<ServiceImpl<S>>;
}
