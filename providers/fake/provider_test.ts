// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { systemClock } from "../../lib/clock.ts";
import { providerSuite } from "../suite.ts";
import type { FakeCloudOptions } from "./cloud.ts";
import { FakeCloud } from "./cloud.ts";
import { FakeProvider } from "./provider.ts";

const skip = { "console() answers at most the bytes asked for": "has no console" };

function newWorld(knobs: FakeCloudOptions["knobs"]) {
  const cloud = new FakeCloud({ clock: systemClock, ...(knobs ? { knobs } : {}) });
  return Promise.resolve({
    newProvider: (identity: { readonly cluster: string; readonly node: string }) =>
      Promise.resolve(new FakeProvider({ name: "fake", ...identity, cloud })),
    inventory: () => Promise.resolve(cloud.vms.map(({ instanceId, state }) => `${instanceId} ${state}`)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

providerSuite({ name: "fake", newWorld: () => newWorld({}), skip });
providerSuite({
  name: "slow fake",
  newWorld: () => newWorld({ latency: { min: 0, max: 5 }, boot: 20, deletion: 20 }),
  skip,
});
