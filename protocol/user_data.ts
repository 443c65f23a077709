// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * What a VM is told at its start, through its provider's user data. Whoever reads it later, from inside the pod, gains
 * nothing: the join token is dead after the agent's first session, and the rest is public.
 */
export interface UserData {
  readonly version: 1;
  readonly vmId: string;
  /** One-time secret, base64url. Absent where the provider binds the link to the VM by construction. */
  readonly joinToken?: string;
  /** The node's certificate authority, PEM. */
  readonly caCertificate: string;
  /** `host:port` of the node's link port, in the order in which to try them. */
  readonly nodes: readonly string[];
}

/** The text that goes into user data: JSON, so that cloud-init, EC2Launch and a person can carry it. */
export function encodeUserData(data: UserData): string {
  return JSON.stringify(data);
}
