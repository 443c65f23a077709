// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { isNodeAddress, parseNodeAddress } from "./node_address.ts";

Deno.test("parseNodeAddress() splits names, IPv4 and IPv6 addresses", () => {
  assert.deepEqual(parseNodeAddress("node.example:7443"), { host: "node.example", port: 7443 });
  assert.deepEqual(parseNodeAddress("10.0.0.1:1"), { host: "10.0.0.1", port: 1 });
  assert.deepEqual(parseNodeAddress("[2001:db8::1]:65535"), { host: "2001:db8::1", port: 65535 });
});

Deno.test("isNodeAddress() refuses what would become another URL", () => {
  const wrong = [
    "",
    "host",
    "host:",
    "host:0",
    "host:65536",
    "::1:80",
    "a b:80",
    "user@host:80",
    "host/x:80",
    "h?x:80",
    "h#x:80",
  ];
  for (const text of wrong) {
    assert.equal(isNodeAddress(text), false, text);
    assert.throws(() => parseNodeAddress(text), RangeError);
  }
});
