// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * At most the first `max` UTF-16 units of a text that came from somebody else. V8's `slice` keeps the whole of a long
 * text alive behind its short part (measured: 120 MiB for 30 beginnings of texts of 4 MiB); what this answers does not.
 */
export function cutText(text: string, max: number): string {
  return text.length <= max ? text : decoder.decode(encoder.encode(text.slice(0, max)));
}
