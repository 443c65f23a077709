// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import fc from "fast-check";
import { Admission } from "./admission.ts";
import type { Ticket } from "./admission.ts";

function admission(limits: ConstructorParameters<typeof Admission>[0]) {
  const time = { now: 0 };
  const admission = new Admission(limits, () => time.now);
  const evicted: string[] = [];
  const admit = (address: string, name = address) => admission.admit(address, () => evicted.push(name));
  return { time, admission, evicted, admit };
}

Deno.test("admit() closes the oldest connection of the address that has most when there are too many in all", () => {
  const { admission: it, evicted, admit } = admission({ total: 4, perSource: 3 });
  admit("10.0.0.1", "attacker 1");
  admit("10.0.0.2", "victim");
  admit("10.0.0.1", "attacker 2");
  admit("10.0.0.1", "attacker 3");
  assert.ok(admit("10.0.0.3", "newcomer"));
  assert.deepEqual(evicted, ["attacker 1"]);
  assert.equal(it.open, 4);
});

Deno.test("admit() closes an address's own oldest connection when that address has too many", () => {
  const { evicted, admit } = admission({ perSource: 2 });
  for (const name of ["first", "second", "third"]) assert.ok(admit("10.0.0.1", name));
  assert.deepEqual(evicted, ["first"]);
});

Deno.test("admit() refuses an address whose connections come to nothing, until time has passed", () => {
  const { time, admit } = admission({ failureBurst: 3, failuresPerSecond: 1 });
  for (let count = 0; count < 3; count++) admit("10.0.0.1")!.closed();
  assert.equal(admit("10.0.0.1"), undefined);
  assert.ok(admit("10.0.0.2"));
  time.now += 1000;
  assert.ok(admit("10.0.0.1"));
  assert.equal(admit("10.0.0.1"), undefined);
});

Deno.test("admit() lets any number of agents through from one address if they are recognised", () => {
  const { admission: it, admit } = admission({ failureBurst: 3, failuresPerSecond: 1, perSource: 2 });
  for (let count = 0; count < 1000; count++) {
    const ticket = admit("10.0.0.1");
    assert.ok(ticket);
    ticket.recognised();
    ticket.closed();
  }
  assert.equal(it.open, 0);
});

Deno.test("admit() takes an IPv6 /64 for one address and mapped IPv4 for what it is", () => {
  const pairs: [string, string, boolean][] = [
    ["2001:db8::1", "2001:db8:0:0:ffff::2", true],
    ["2001:db8::1", "2001:DB8:0:0:1:2:3:4", true],
    ["2001:db8::1", "2001:db8:0:1::1", false],
    ["::1", "::2", true],
    ["10.0.0.1", "::ffff:10.0.0.1", true],
    ["10.0.0.1", "10.0.0.2", false],
  ];
  for (const [one, other, same] of pairs) {
    const { admit } = admission({ failureBurst: 1 });
    assert.ok(admit(one));
    assert.equal(admit(other) === undefined, same, `${one} and ${other}`);
  }
});

Deno.test("open is the number of tickets that were neither evicted, recognised nor closed, and never above the limit", () => {
  const step = fc.record({
    address: fc.constantFrom("a", "b", "c"),
    end: fc.constantFrom("", "closed", "recognised"),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const { admission: it } = admission({ total: 5, perSource: 3, failureBurst: 1000 });
    const live = new Set<object>();
    for (const { address, end } of steps) {
      const token = {};
      const ticket: Ticket = it.admit(address, () => live.delete(token))!;
      live.add(token);
      if (end !== "") {
        ticket[end as "closed"]();
        ticket.closed();
        live.delete(token);
      }
      assert.equal(it.open, live.size);
      assert.ok(it.open <= 5);
    }
  }));
});
