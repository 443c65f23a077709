// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** What the kubelet's CRI client accepts and may send in one message, in bytes: 16 MiB. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
