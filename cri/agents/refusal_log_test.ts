// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { configure, reset } from "@logtape/logtape";
import type { LogRecord } from "@logtape/logtape";
import { RefusalLog } from "./refusal_log.ts";

Deno.test("RefusalLog writes a burst, counts the rest, and tells the count with the next line", async () => {
  const records: LogRecord[] = [];
  const loggers = [{ category: "infranetes", sinks: ["memory"] }, {
    category: ["logtape", "meta"],
    sinks: [],
  }];
  await configure({ sinks: { memory: (record) => records.push(record) }, loggers, reset: true });
  try {
    const time = { now: 0 };
    const log = new RefusalLog({ burst: 2, intervalMs: 1000, now: () => time.now });
    for (let count = 0; count < 5; count++) log.warn("Peer {n}", { n: count });
    assert.deepEqual(records.map(({ properties }) => properties.n), [0, 1]);
    time.now = 1000;
    log.warn("Peer {n}", { n: 5 });
    assert.deepEqual(records.slice(2).map(({ properties }) => properties), [{ suppressed: 3 }, { n: 5 }]);
  } finally {
    await reset();
  }
});
