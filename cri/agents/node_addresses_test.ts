// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { hostsOf, nodeAddresses } from "./node_addresses.ts";

const interfaces = ["127.0.0.1", "::1", "fe80::1", "2001:db8::5", "10.1.2.3", "169.254.1.1"]
  .map((address) => ({ address }));

Deno.test("nodeAddresses() takes the configured addresses in their order and adds the port where there is none", () => {
  const configured = ["node.example", "10.0.0.1:9000", "[2001:db8::1]", "[2001:db8::2]:9000"];
  const addresses = nodeAddresses({ host: "0.0.0.0", port: 7443, configured, interfaces });
  assert.deepEqual(addresses, [
    "node.example:7443",
    "10.0.0.1:9000",
    "[2001:db8::1]:7443",
    "[2001:db8::2]:9000",
  ]);
  assert.deepEqual(hostsOf(addresses), ["node.example", "10.0.0.1", "2001:db8::1", "2001:db8::2"]);
});

Deno.test("nodeAddresses() takes the address that is listened on, or the machine's for a wildcard", () => {
  const at = (host: string, from = interfaces) =>
    nodeAddresses({ host, port: 1, configured: [], interfaces: from });
  assert.deepEqual(at("127.0.0.1"), ["127.0.0.1:1"]);
  assert.deepEqual(at("::1"), ["[::1]:1"]);
  assert.deepEqual(at("0.0.0.0"), ["10.1.2.3:1", "[2001:db8::5]:1"]);
  assert.deepEqual(at("0.0.0.0", interfaces.slice(0, 3)), ["127.0.0.1:1", "[::1]:1"]);
});
