// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { Code, RpcError } from "../status.ts";
import type { Inbox } from "./inbox.ts";

/** The initial values of any message. */
export type AnyInit = MessageInitShape<DescMessage>;

/** A message, or its initial values, as protobuf bytes. */
export function encodeMessage<D extends DescMessage>(schema: D, init: MessageInitShape<D>): Uint8Array {
  return toBinary(schema, create(schema, init));
}

/** Throws RpcError with `code` for bytes that are not such a message. Byte fields are views into `bytes`. */
export function decodeMessage<D extends DescMessage>(
  schema: D,
  bytes: Uint8Array,
  code: Code,
): MessageShape<D> {
  try {
    // What a newer version, or a hostile peer, adds would be kept, and written down, uncounted.
    return fromBinary(schema, bytes, { readUnknownFields: false });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RpcError(code, `Cannot decode ${schema.typeName} of ${bytes.length} bytes: ${why}`, { cause });
  }
}

/** The one message of a stream that must have exactly one. Its memory stays counted until the inbox is dropped. */
export async function takeOnly(inbox: Inbox, schema: DescMessage, code: Code): Promise<Uint8Array> {
  const message = await inbox.take();
  if (message === undefined) throw new RpcError(code, `Call ended without its ${schema.typeName}`);
  if ((await inbox.take(true)) !== undefined) {
    throw new RpcError(code, `Call has more than one ${schema.typeName}`);
  }
  return message;
}
