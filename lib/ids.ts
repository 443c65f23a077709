// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * Where ids and secrets come from, as an argument, so that a test can know them beforehand. All are drawn from a
 * cryptographic source: an id tells nothing about what it names.
 */
export interface Ids {
  /** Of a sandbox or container: 64 lower-case hex digits. */
  id(): string;
  /** Of a VM: 32 lower-case hex digits. */
  vmId(): string;
  /** An idempotency token: 32 lower-case hex digits. Not secret. */
  token(): string;
  /** 256 random bits as base64url without padding. Secret. */
  secret(): string;
}

/** Ids from the machine's random source. */
export const randomIds: Ids = {
  id: () => hex(32),
  vmId: () => hex(16),
  token: () => hex(16),
  secret: () => randomBytes(32).toBase64({ alphabet: "base64url", omitPadding: true }),
};

function hex(bytes: number): string {
  return randomBytes(bytes).toHex();
}

function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}
