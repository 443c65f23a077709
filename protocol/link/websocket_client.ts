// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { Code, RpcError } from "../status.ts";
import { CloseCode } from "./session_end.ts";
import { closeReason, SocketTransport } from "./socket_transport.ts";
import type { TransportClose } from "./transport.ts";

export interface DialOptions {
  /** Holds the CA certificate and this VM's certificate and key. One for the life of the agent resumes TLS sessions. */
  readonly client?: Deno.HttpClient | undefined;
  /** Gives up on the connection attempt. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens the agent link to `url` (`wss://host:port/path`) with Deno's native WebSocket.
 *
 * Rejects with UNAVAILABLE, or with `signal.reason`. The message is what Deno knows, which is little: a missing client
 * certificate, an unknown CA and a server that hangs up early all read "received fatal alert: NoApplicationProtocol",
 * and nobody listening reads "tcp connect error" (seen with Deno 2.9.2, 2026-11-21). The server's log has the cause.
 */
export function dialWebSocket(url: string, options: DialOptions = {}): Promise<SocketTransport> {
  const { client, signal } = options;
  const { promise, resolve, reject } = Promise.withResolvers<SocketTransport>();
  if (signal?.aborted) return Promise.reject(signal.reason);
  const socket = new WebSocket(url, client ? { client } : {});
  const transport = new WebSocketClientTransport(socket);
  const onAbort = () => {
    transport.close(CloseCode.NORMAL, "Connection attempt was given up");
    reject(signal?.reason);
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  socket.addEventListener("open", () => resolve(transport));
  void transport.closed.then(({ reason }) =>
    reject(new RpcError(Code.UNAVAILABLE, `Cannot connect to ${url}: ${reason}`))
  );
  return promise.finally(() => signal?.removeEventListener("abort", onAbort));
}

class WebSocketClientTransport extends SocketTransport {
  readonly #socket: WebSocket;
  #error = "";

  constructor(socket: WebSocket) {
    super();
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) this.received(new Uint8Array(data));
      else this.refuse("Peer sent a text message");
    };
    socket.onerror = (event) => {
      this.#error = event instanceof ErrorEvent ? event.message : "";
    };
    socket.onclose = ({ code, reason }) => this.ended(this.#closeOf(code, reason));
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  protected override transmit(frame: Uint8Array<ArrayBuffer>): void {
    // Deno drops what is sent after the socket has begun to close and throws before it is open.
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(frame);
  }

  protected override shutDown(code: number, reason: string): void {
    this.#socket.close(code, closeReason(reason));
  }

  /** An abnormal end is code 0 in Deno, where browsers and npm ws say 1006. */
  #closeOf(code: number, reason: string): TransportClose {
    if (code >= 3000) return { code, reason };
    return {
      code: CloseCode.LOST,
      reason: reason || this.#error || `Connection was closed (WebSocket code ${code})`,
    };
  }
}
