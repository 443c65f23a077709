// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** Field 1, length-delimited: where every list response of CRI has its items. */
const TAG = 0x0a;

/**
 * A message as one element of the repeated field 1 of a list response: tag, length, bytes. Protobuf lets such elements
 * be concatenated, so a list of a thousand is a thousand copies of memory and no encoding.
 */
export function listItem(message: Uint8Array): Uint8Array {
  const length: number[] = [];
  for (let rest = message.length; length.length === 0 || rest > 0; rest = Math.floor(rest / 128)) {
    length.push(rest >= 128 ? rest % 128 + 128 : rest);
  }
  const item = new Uint8Array(1 + length.length + message.length);
  item[0] = TAG;
  item.set(length, 1);
  item.set(message, 1 + length.length);
  return item;
}

/** The response whose field 1 has these items. */
export function concatItems(items: readonly Uint8Array[]): Uint8Array {
  const response = new Uint8Array(items.reduce((sum, item) => sum + item.length, 0));
  let offset = 0;
  for (const item of items) {
    response.set(item, offset);
    offset += item.length;
  }
  return response;
}
