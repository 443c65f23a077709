// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { Flag } from "./command.ts";

export const SOCKET_FLAG: Flag = {
  name: "client-socket",
  value: "PATH",
  description: "Socket of the node process (INFRANETES_CLIENT_SOCKET; default /run/infranetes/client.sock)",
};

export const NAMESPACE_FLAG: Flag = {
  name: "namespace",
  short: "n",
  value: "NAME",
  description: 'Namespace of the pod (default "default")',
};

export const CONTAINER_FLAG: Flag = {
  name: "container",
  short: "c",
  value: "NAME",
  description: "Container of the pod; needed if it has several",
};

export const OUTPUT_FLAG: Flag = {
  name: "output",
  short: "o",
  value: "FORMAT",
  description: "json: for machines (default: a table for people)",
  allowed: ["json"],
};
