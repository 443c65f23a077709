// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import { LINK_SERVER_OPTIONS, WebSocketServerTransport } from "../../protocol/link/websocket_server.ts";
import type { WebSocketServerTransportOptions } from "../../protocol/link/websocket_server.ts";
import type { LinkCertificates } from "./certificates.ts";

export interface LinkServer {
  readonly url: string;
  close(): Promise<void>;
}

/** A node:https server on a free port of loopback that demands a client certificate and upgrades every request. */
export async function startLinkServer(
  certificates: LinkCertificates,
  onLink: (transport: WebSocketServerTransport, socket: WebSocket) => void,
  options: WebSocketServerTransportOptions = {},
): Promise<LinkServer> {
  const { ca, node: { key, cert } } = certificates;
  const server = createServer({ key, cert, ca, requestCert: true, rejectUnauthorized: true });
  const upgrader = new WebSocketServer(LINK_SERVER_OPTIONS);
  server.on("upgrade", (request, socket, head) => {
    upgrader.handleUpgrade(
      request,
      socket,
      head,
      (ws) => onLink(new WebSocketServerTransport(ws, options), ws),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { url: `wss://127.0.0.1:${port}/v1/link`, close };
}

/** What the native client needs to dial that server as the VM. */
export function vmHttpClient({ ca, vm }: LinkCertificates): Deno.HttpClient {
  return Deno.createHttpClient({ caCerts: [ca], key: vm.key, cert: vm.cert });
}
