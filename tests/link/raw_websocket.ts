// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { LinkCertificates } from "./certificates.ts";

const REQUEST = [
  "GET /v1/link HTTP/1.1",
  "Host: 127.0.0.1",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  "",
  "",
].join("\r\n");

/** Opcodes of RFC 6455 §5.2. */
export const Opcode = { BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const;

/** A WebSocket client that does only what it is told: it reads only when asked, and answers no close and no ping. */
export class RawWebSocket implements Disposable {
  readonly #connection: Deno.TlsConn;
  #closed = false;

  constructor(connection: Deno.TlsConn) {
    this.#connection = connection;
  }

  /** Connects as the VM and upgrades. */
  static async dial(url: string, { ca, vm }: LinkCertificates): Promise<RawWebSocket> {
    const { hostname, port } = new URL(url);
    const connection = await Deno.connectTls({ hostname, port: Number(port), caCerts: [ca], ...vm });
    await connection.write(new TextEncoder().encode(REQUEST));
    // The server may send its first frame together with the head; then this reads both.
    const buffer = new Uint8Array(4096);
    const length = await connection.read(buffer) ?? 0;
    const head = new TextDecoder().decode(buffer.subarray(0, length));
    if (!head.startsWith("HTTP/1.1 101")) throw new Error(`Server did not upgrade: ${head}`);
    return new RawWebSocket(connection);
  }

  /** Sends one message, masked with zeros, which changes nothing. */
  async send(opcode: number, payload: Uint8Array): Promise<void> {
    const { length } = payload;
    const size = length < 126
      ? [0x80 | length]
      : length < 65_536
      ? [0x80 | 126, length >>> 8, length & 255]
      : [0x80 | 127, 0, 0, 0, 0, length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255];
    await this.write(new Uint8Array([0x80 | opcode, ...size, 0, 0, 0, 0, ...payload]));
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  /** Reads until a message with this opcode and gives its payload; messages of the server have at most 64 KiB. */
  async receive(opcode: number): Promise<Uint8Array> {
    for (;;) {
      const [first = 0, second = 0] = await this.#read(2);
      const extended = second === 126 ? await this.#read(2) : null;
      const payload = await this.#read(extended ? (extended[0]! << 8) | extended[1]! : second);
      if ((first & 15) === opcode) return payload;
    }
  }

  async #read(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const count = await this.#connection.read(bytes.subarray(at));
      if (count === null) throw new Error("Server has closed the connection");
      at += count;
    }
    return bytes;
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
  }
}
