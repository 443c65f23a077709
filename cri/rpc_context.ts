// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * What an RPC's function needs to know of its call. The gRPC server's context is one; the client API and tests make
 * their own.
 */
export interface RpcContext {
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** When the caller stops waiting, in milliseconds since the epoch. */
  readonly deadline: number | undefined;
  /** The request byte for byte, where it came over a wire. */
  readonly rawRequest?: Uint8Array;
}
