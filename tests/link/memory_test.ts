// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { Flag } from "../../protocol/link/frame.ts";
import { dataFrame, encodeMethodName, openFrame } from "../../protocol/link/payload.ts";
import { Router, Session, transportPair } from "../../protocol/link/session.ts";
import { Echo } from "../../protocol/link/testing/echo_service.ts";
import { aborted, turn } from "../../protocol/link/testing/linked.ts";
import { RawPeer } from "../../protocol/link/testing/raw_peer.ts";

const MESSAGES_PER_STREAM = 4000;
const STREAMS = 24;

/** The dearest a peer can be per byte that it sends: messages of one byte that nobody takes. */
Deno.test("A peer that fills its limits costs about as much memory as the session counts", async () => {
  const router = new Router().service(Echo, { upload: (_, { signal }) => aborted(signal).then(() => ({})) });
  const [a, b] = transportPair();
  const session = new Session(a, { role: "listener", router });
  const peer = new RawPeer(b);
  peer.hello();
  await turn();
  const before = Deno.memoryUsage().rss;
  const method = encodeMethodName("infranetes.link.testing.Echo/Upload");
  for (let stream = 1; stream < 2 * STREAMS; stream += 2) {
    peer.send(openFrame(stream, { method, timeoutMs: 0, message: undefined, last: false }));
    for (let i = 0; i < MESSAGES_PER_STREAM; i++) {
      peer.send(dataFrame(stream, Flag.MESSAGE, new Uint8Array(1)));
      if (i % 50 === 0) await turn();
    }
  }
  while (b.bufferedBytes > 0) await turn();
  const grown = Deno.memoryUsage().rss - before;
  const counted = session.usage.receivedBytes;
  assert.equal(counted, STREAMS * MESSAGES_PER_STREAM * 513);
  assert(grown < 2 * counted, `${grown} bytes of memory for ${counted} counted`);
  peer.close();
  await session.closed;
  assert.equal(session.usage.receivedBytes, 0);
});
