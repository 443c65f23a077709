// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { DescMethod } from "@bufbuild/protobuf";

/** Frame types and flags of RFC 9113 §6. */
const Frame = {
  DATA: 0,
  HEADERS: 1,
  RST_STREAM: 3,
  SETTINGS: 4,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
} as const;
const END_STREAM = 0x1;
const ACK = 0x1;
const END_HEADERS = 0x4;
const FRAME_HEADER_BYTES = 9;
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS_INITIAL_WINDOW_SIZE = 4;
const GREATEST_WINDOW = 0x7fff_ffff;
const FIRST_WINDOW = 65_535;
/** Message flag and length before a message (gRPC over HTTP/2). */
const GRPC_HEADER_BYTES = 5;

type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();

/**
 * The least of a gRPC client: calls with an empty request, one at a time, and reads the answer into memory that it has.
 * grpc-js makes a megabyte of garbage for each megabyte of answer, and its collection would be measured with the node.
 */
export class Http2Caller implements Disposable {
  readonly #connection: Deno.Conn;
  readonly #buffer = new Uint8Array(16 * 1024 * 1024);
  /** Bytes in the buffer that are not read as frames yet. */
  #from = 0;
  #to = 0;
  #stream = -1;

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  static async connect(path: string): Promise<Http2Caller> {
    const caller = new Http2Caller(await Deno.connect({ transport: "unix", path }));
    await caller.#send(encoder.encode(PREFACE));
    const window = new Uint8Array(6);
    new DataView(window.buffer).setUint16(0, SETTINGS_INITIAL_WINDOW_SIZE);
    new DataView(window.buffer).setUint32(2, GREATEST_WINDOW);
    await caller.#send(frame(Frame.SETTINGS, 0, 0, window));
    await caller.#send(frame(Frame.WINDOW_UPDATE, 0, 0, uint32(GREATEST_WINDOW - FIRST_WINDOW)));
    return caller;
  }

  /** Answers the bytes of the response message. They are a copy only if `copy` says so, and nothing else otherwise. */
  async call(method: DescMethod, { copy = false } = {}): Promise<Bytes> {
    const stream = this.#stream += 2;
    const path = `/${method.parent.typeName}/${method.name}`;
    const headers = frame(Frame.HEADERS, END_HEADERS, stream, headerBlock(path));
    const empty = frame(Frame.DATA, END_STREAM, stream, new Uint8Array(GRPC_HEADER_BYTES));
    await this.#send(concatenate(headers, empty));
    const parts: Bytes[] = [];
    let received = 0;
    for (;;) {
      const { type, flags, id, payload } = await this.#frame();
      if (type === Frame.DATA && id === stream) {
        received += payload.length;
        if (copy) parts.push(payload.slice());
      } else if (type === Frame.RST_STREAM || type === Frame.GOAWAY) {
        throw new Error(`Call of ${path} was ended by the node with frame ${type}`);
      } else await this.#control(type, flags, payload);
      if (id === stream && (flags & END_STREAM) !== 0 && type <= Frame.HEADERS) break;
    }
    if (received < GRPC_HEADER_BYTES) throw new Error(`Call of ${path} was answered without a message`);
    await this.#send(frame(Frame.WINDOW_UPDATE, 0, 0, uint32(received)));
    return parts.reduce(concatenate, new Uint8Array(0)).subarray(GRPC_HEADER_BYTES);
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }

  async #control(type: number, flags: number, payload: Bytes): Promise<void> {
    if ((flags & ACK) !== 0) return;
    if (type === Frame.SETTINGS) await this.#send(frame(Frame.SETTINGS, ACK, 0, new Uint8Array(0)));
    if (type === Frame.PING) await this.#send(frame(Frame.PING, ACK, 0, payload));
  }

  async #frame() {
    await this.#fill(FRAME_HEADER_BYTES);
    const header = this.#buffer.subarray(this.#from, this.#from + FRAME_HEADER_BYTES);
    const length = header[0]! << 16 | header[1]! << 8 | header[2]!;
    const [type, flags] = [header[3]!, header[4]!];
    const id = new DataView(header.buffer, header.byteOffset).getUint32(5) & 0x7fff_ffff;
    await this.#fill(FRAME_HEADER_BYTES + length);
    const start = this.#from + FRAME_HEADER_BYTES;
    this.#from = start + length;
    return { type, flags, id, payload: this.#buffer.subarray(start, start + length) };
  }

  /** Reads until so many bytes are there. */
  async #fill(bytes: number): Promise<void> {
    if (this.#from === this.#to) this.#from = this.#to = 0;
    while (this.#to - this.#from < bytes) {
      if (this.#buffer.length - this.#from < bytes || this.#to === this.#buffer.length) {
        this.#buffer.copyWithin(0, this.#from, this.#to);
        this.#to -= this.#from;
        this.#from = 0;
      }
      const count = await this.#connection.read(this.#buffer.subarray(this.#to));
      if (count === null) throw new Error("The node has closed the connection");
      this.#to += count;
    }
  }

  async #send(bytes: Bytes): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }
}

function frame(type: number, flags: number, stream: number, payload: Bytes): Bytes {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  new DataView(bytes.buffer).setUint32(0, payload.length << 8 | type);
  bytes[4] = flags;
  new DataView(bytes.buffer).setUint32(5, stream);
  bytes.set(payload, FRAME_HEADER_BYTES);
  return bytes;
}

/** Literal fields without indexing and without Huffman coding (RFC 7541 §6.2.2). */
function headerBlock(path: string): Bytes {
  const fields = {
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "localhost",
    "content-type": "application/grpc",
    te: "trailers",
  };
  const parts = Object.entries(fields).flatMap(([name, value]) => [
    Uint8Array.of(0, name.length),
    encoder.encode(name),
    Uint8Array.of(value.length),
    encoder.encode(value),
  ]);
  return parts.reduce(concatenate);
}

function uint32(value: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function concatenate(a: Bytes, b: Bytes): Bytes {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
