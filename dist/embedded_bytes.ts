// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

const UNITS: Readonly<Record<string, number>> = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };

/**
 * The size of everything that `deno compile` embedded, from what it printed under "Embedded Files".
 *
 * @throws {SyntaxError} If there is no such line: another version of Deno may word it differently.
 */
export function embeddedBytes(output: string): number {
  const [, number, unit] = /^Files: ([\d.]+)([KMG]?B)$/m.exec(output) ?? [];
  if (number === undefined || unit === undefined) {
    throw new SyntaxError(`Cannot find the size of the embedded files in: ${output}`);
  }
  return Math.ceil(Number(number) * UNITS[unit]!);
}
