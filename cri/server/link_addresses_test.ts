// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { linkAddresses } from "./link_addresses.ts";

const INTERFACES = [
  { name: "lo", address: "127.0.0.1", scopeid: null },
  { name: "eth0", address: "192.0.2.7", scopeid: null },
  { name: "eth0", address: "2001:db8::7", scopeid: 0 },
  { name: "eth0", address: "fe80::1", scopeid: 2 },
];

const TABLE:
  readonly (readonly [what: string, host: string, addresses: string[], nodes: string[], hosts: string[]])[] =
    [
      [
        "takes every address of the host when it listens on all",
        "0.0.0.0",
        [],
        ["192.0.2.7:7443", "[2001:db8::7]:7443", "127.0.0.1:7443"],
        ["192.0.2.7", "2001:db8::7", "127.0.0.1"],
      ],
      ["takes the one that it listens on", "192.0.2.9", [], ["192.0.2.9:7443"], ["192.0.2.9"]],
      ["puts an IPv6 address into brackets", "2001:db8::1", [], ["[2001:db8::1]:7443"], ["2001:db8::1"]],
      [
        "prefers what the configuration names and adds the port where there is none",
        "0.0.0.0",
        ["node.example", "nat.example:443", "[2001:db8::9]", "[2001:db8::9]:1"],
        ["node.example:7443", "nat.example:443", "[2001:db8::9]:7443", "[2001:db8::9]:1"],
        ["node.example", "nat.example", "2001:db8::9"],
      ],
    ];

for (const [what, host, addresses, nodes, hosts] of TABLE) {
  Deno.test(`linkAddresses() ${what}`, () => {
    assert.deepEqual(linkAddresses({ host, addresses, port: 0 }, 7443, INTERFACES), { hosts, nodes });
  });
}
