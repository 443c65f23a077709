// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { Code } from "../status.ts";
import { Flag, FrameType, HEADER_BYTES, MAX_PAYLOAD_BYTES, newFrame } from "./frame.ts";
import { endFrame, helloFrame, openFrame, pingFrame } from "./payload.ts";
import { ack, attack, cancel, credit, data, method, open } from "./testing/attack.ts";
import { Echo } from "./testing/echo_service.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const OK = { code: Code.OK, message: "" } as const;

/** What a peer does after its HELLO, and what it is told. The session's one call is stream 2. */
const VIOLATIONS: [string, Bytes[], number, RegExp][] = [
  [
    "HELLO twice",
    [helloFrame({ oldest: 1, newest: 1, maxStreams: 1, maxMessage: 1, window: 262_144 })],
    4001,
    /twice/,
  ],
  ["a stream of this side", [open(4)], 4001, /id of this side/],
  ["the same stream twice", [open(5), open(5)], 4001, /stream 5 after 5/],
  ["streams in falling order", [open(5), open(3)], 4001, /stream 3 after 5/],
  ["DATA on a stream that was never opened", [data(7, 1)], 4001, /Stream is not open/],
  ["DATA on a call that was never made", [data(8, 1)], 4001, /Stream is not open/],
  ["END of a call that was never made", [endFrame(8, OK)], 4001, /Call is not open/],
  ["END of its own call", [open(1), endFrame(1, OK)], 4001, /Call is not open/],
  ["END twice", [endFrame(2, OK), endFrame(2, OK)], 4001, /Call is not open/],
  ["DATA after END", [endFrame(2, OK), data(2, 1)], 4001, /Stream is not open/],
  ["END in the middle of a response", [data(2, 1, 0), endFrame(2, OK)], 4001, /middle of a message/],
  ["the flag LAST on a response", [data(2, 1, Flag.MESSAGE | Flag.LAST)], 4001, /callee has the flag LAST/],
  ["DATA after LAST", [open(1), data(1, 0, Flag.LAST), data(1, 1)], 4001, /after the caller's last/],
  [
    "LAST in the middle of a request",
    [open(1), data(1, 1, 0), data(1, 0, Flag.LAST)],
    4001,
    /middle of a message/,
  ],
  ["DATA after CANCEL", [open(1), cancel(1), data(1, 1)], 4001, /after the caller's last/],
  ["CANCEL twice", [open(1), cancel(1), cancel(1)], 4001, /CANCEL frame came twice/],
  ["CANCEL of a stream that was never opened", [cancel(1)], 4001, /never opened/],
  ["CANCEL of a call of this side", [cancel(2)], 4001, /Callee cannot cancel/],
  ["CREDIT for a stream that was never opened", [credit(9, 65_536)], 4001, /never opened/],
  ["CREDIT for a call that was never made", [credit(10, 65_536)], 4001, /never opened/],
  ["CREDIT beyond the largest window", [open(1), credit(1, 0xffff_ffff)], 4001, /raises the credit/],
  ["CREDIT in crumbs", [open(1), credit(1, 100)], 4003, /gives back only 100/],
  ["ACK of what was never sent", [ack(200_000)], 4001, /of 64 that were sent/],
  ["ACK in crumbs", [ack(1)], 4003, /acknowledges only 1/],
  ["PONG without a ping", [newFrame(FrameType.PONG, 0, 0, 8)], 4001, /answers no ping/],
  ["more than its credit", [open(1), ...Array.from({ length: 5 }, () => data(1, 60_000))], 4002, /credit of/],
  [
    "more than its credit in empty messages",
    [open(1), ...Array.from({ length: 4097 }, () => data(1, 0))],
    4002,
    /credit of 0/,
  ],
  [
    "a response of more than its credit",
    Array.from({ length: 20 }, () => data(2, 60_000)),
    4002,
    /credit of/,
  ],
  ["a type that does not exist", [newFrame(11 as FrameType, 0, 0, 0)], 4001, /unknown type 11/],
  [
    "a frame that is too long",
    [newFrame(FrameType.DATA, 2, 1, MAX_PAYLOAD_BYTES + 1)],
    4001,
    /claims a payload of 65525/,
  ],
  ["half a frame", [data(1, 100).slice(0, 50)], 4001, /claims a payload of 100 bytes and has 38/],
  [
    "an endless timeout",
    [openFrame(1, { method: method("Say"), timeoutMs: 2 ** 31, message: undefined, last: true })],
    4001,
    /timeout/,
  ],
  [
    "an unknown status",
    [newFrame(FrameType.END, 0, 2, 3).map((byte, i) => i === HEADER_BYTES ? 99 : byte)],
    4001,
    /status code 99/,
  ],
];

for (const [name, frames, code, reason] of VIOLATIONS) {
  Deno.test(`Session cuts off a peer that sends ${name}`, async () => {
    const { session, peer } = attack();
    peer.hello();
    const call = session.client(Echo).say({ value: new Uint8Array(0) });
    const failed = assert.rejects(call);
    await peer.next(FrameType.OPEN);
    peer.send(...frames);
    const end = await session.closed;
    assert.equal(end.by, "local");
    assert.match(end.reason, reason);
    assert.equal(end.code, code);
    await failed;
    const bye = await peer.next(FrameType.BYE);
    assert.match(new TextDecoder().decode(bye.payload.subarray(2)), reason);
    assert.equal((await peer.closed).code, code);
    assert.equal(session.usage.receivedBytes, 0);
  });
}

for (
  const [name, frame, code, reason] of [
    ["something before HELLO", pingFrame(1), 4001, /before HELLO/],
    [
      "another protocol",
      new Uint8Array(new TextEncoder().encode("GET / HTTP/1.1\r\n")),
      4001,
      /unknown type 71/,
    ],
    [
      "only newer versions",
      helloFrame({ oldest: 2, newest: 9, maxStreams: 1, maxMessage: 1, window: 262_144 }),
      4006,
      /Peer speaks link protocol 2 to 9, this side 1 to 1/,
    ],
  ] as const
) {
  Deno.test(`Session cuts off a peer that begins with ${name}`, async () => {
    const { session, peer } = attack();
    peer.send(frame);
    const end = await session.closed;
    assert.match(end.reason, reason);
    assert.equal(end.code, code);
  });
}
