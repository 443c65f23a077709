// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { closeReason, SocketTransport } from "./socket_transport.ts";
import type { TransportClose } from "./transport.ts";

class FakeSocketTransport extends SocketTransport {
  readonly bufferedBytes = 0;
  readonly sent: number[] = [];
  readonly shutDowns: TransportClose[] = [];

  receive(first: number, length = 1): void {
    const frame = new Uint8Array(length);
    frame[0] = first;
    this.received(frame);
  }
  vanish(): void {
    this.ended({ code: 4000, reason: "vanished" });
  }
  accuse(): void {
    this.refuse("nonsense");
  }
  protected override transmit([first = 0]: Uint8Array): void {
    this.sent.push(first);
  }
  protected override shutDown(code: number, reason: string): void {
    this.shutDowns.push({ code, reason });
  }
}

function listen(transport: FakeSocketTransport) {
  const frames: number[] = [];
  const closes: TransportClose[] = [];
  transport.onframe = ([first = 0]) => frames.push(first);
  transport.onclose = (why) => closes.push(why);
  return { frames, closes };
}

Deno.test("SocketTransport holds what comes before the session listens, in order, then the end", async () => {
  const transport = new FakeSocketTransport();
  transport.receive(1);
  transport.receive(2);
  transport.vanish();
  const { frames, closes } = listen(transport);
  assert.deepEqual([frames, closes], [[], []]);
  await Promise.resolve();
  assert.deepEqual([frames, closes], [[1, 2], [{ code: 4000, reason: "vanished" }]]);
});

Deno.test("SocketTransport lets nothing overtake what it holds", async () => {
  const transport = new FakeSocketTransport();
  transport.receive(1);
  const { frames } = listen(transport);
  transport.receive(2);
  await Promise.resolve();
  transport.receive(3);
  assert.deepEqual(frames, [1, 2, 3]);
});

Deno.test("SocketTransport holds at most 1 MiB", async () => {
  const transport = new FakeSocketTransport();
  for (let i = 0; i < 17; i++) transport.receive(i, 65_536);
  assert.equal(transport.shutDowns.length, 1);
  const { frames, closes } = listen(transport);
  await Promise.resolve();
  assert.deepEqual(frames, []);
  assert.match(closes[0]!.reason, /too much before the session began/);
});

Deno.test("SocketTransport delivers and sends nothing after close, and shuts down once", async () => {
  const transport = new FakeSocketTransport();
  transport.receive(1);
  const { frames } = listen(transport);
  transport.close(1000, "enough");
  transport.close(4001, "again");
  transport.receive(2);
  transport.send(new Uint8Array([3]));
  await Promise.resolve();
  assert.deepEqual([frames, transport.sent, transport.shutDowns], [[], [], [{
    code: 1000,
    reason: "enough",
  }]]);
});

Deno.test("SocketTransport stops in the middle of what it holds when the session closes it", async () => {
  const transport = new FakeSocketTransport();
  transport.receive(1);
  transport.receive(2);
  const seen: number[] = [];
  transport.onframe = ([first = 0]) => {
    seen.push(first);
    transport.close(4001, "no");
  };
  await Promise.resolve();
  assert.deepEqual(seen, [1]);
});

Deno.test("SocketTransport tells the session once why the peer was refused, and keeps that reason", async () => {
  const transport = new FakeSocketTransport();
  const { closes } = listen(transport);
  transport.accuse();
  transport.accuse();
  transport.vanish();
  assert.deepEqual(closes, [{ code: 4001, reason: "nonsense" }]);
  assert.equal((await transport.closed).reason, "nonsense");
});

Deno.test("closeReason() cuts at 123 bytes and between characters", () => {
  assert.equal(closeReason("short"), "short");
  assert.equal(closeReason("ä".repeat(100)), "ä".repeat(61));
});
