// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** `count` log records, all different, numbered from `from` on. About 60 bytes each. */
export function records(count: number, from = 0): string {
  let text = "";
  for (let number = from; number < from + count; number++) {
    const time = `2026-11-21T07:00:${String(number % 60).padStart(2, "0")}.${
      String(number).padStart(9, "0")
    }Z`;
    text += `${time} ${number % 3 ? "stdout" : "stderr"} F line ${number}\n`;
  }
  return text;
}

/** `bytes` or more bytes of long records. */
export function bulk(bytes: number): Uint8Array {
  const line = new TextEncoder().encode(`2026-11-21T07:00:00.123456789Z stdout F ${"x".repeat(959)}\n`);
  const result = new Uint8Array(Math.ceil(bytes / line.length) * line.length);
  for (let at = 0; at < result.length; at += line.length) result.set(line, at);
  return result;
}
