// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** A Kubernetes quantity: `512Mi`, `1.5Gi`, `250m`, `2`, `1e3`. Negative ones have no meaning here. */
export const QUANTITY_REGEXP = /^\+?(\d+(?:\.\d*)?|\.\d+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d+)?$/;

const FACTORS: Readonly<Record<string, number>> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/**
 * Reads a quantity as the Kubernetes API defines it (pkg/api/resource: binary and decimal suffixes, or an exponent).
 *
 * @returns the number in its base unit (bytes, CPUs), or undefined if the text is no quantity
 */
export function parseQuantity(text: string): number | undefined {
  const match = QUANTITY_REGEXP.exec(text);
  if (!match) return undefined;
  const [, digits = "", suffix = ""] = match;
  if (/^[eE]./.test(suffix)) return Number(digits + suffix);
  return Number(digits) * (FACTORS[suffix] ?? 1);
}
