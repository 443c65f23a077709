// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

export interface NodeAddress {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

const ADDRESS_REGEXP = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:\[\]\/@?#]+)):(\d{1,5})$/;

/** Whether the text is `host:port`, `address:port` or `[IPv6 address]:port`. */
export function isNodeAddress(text: string): boolean {
  const port = Number(ADDRESS_REGEXP.exec(text)?.[3] ?? 0);
  return port >= 1 && port <= 65535;
}

/** @throws {RangeError} if it is none */
export function parseNodeAddress(text: string): NodeAddress {
  const match = ADDRESS_REGEXP.exec(text);
  if (!match || !isNodeAddress(text)) {
    throw new RangeError(`'${text}' is no address of a node: must be host:port`);
  }
  return { host: match[1] ?? match[2]!, port: Number(match[3]) };
}
