// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

export type RefusalStatus = 400 | 401 | 403 | 404 | 405 | 413 | 415 | 426 | 429 | 503;

/** Why the listener does not do what a peer asked. The message goes to the peer, so it tells nothing it must not know. */
export class PeerRefusal extends Error {
  override readonly name = "PeerRefusal";
  readonly status: RefusalStatus;
  /** The VM that the peer speaks for, or says it does. For the log. */
  readonly vmId: string;

  constructor(
    status: RefusalStatus,
    message: string,
    options: ErrorOptions & { readonly vmId?: string } = {},
  ) {
    super(message, options);
    this.status = status;
    this.vmId = options.vmId ?? "";
  }
}
