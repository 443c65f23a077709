// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import type { Clock } from "../../lib/clock.ts";
import { systemClock } from "../../lib/clock.ts";
import { CapacityError, NotFoundError, QuotaError, UnavailableError } from "../../lib/errors.ts";
import type { FakeCloudOptions } from "./cloud.ts";
import { FakeCloud } from "./cloud.ts";
import { fakeConfigSchema } from "./config.ts";
import { FakeProvider } from "./provider.ts";

const { signal } = new AbortController();
let count = 0;

function spec(token = `token ${++count}`) {
  const vmId = String(count).padStart(32, "0");
  const tags = { cluster: "c", node: "n", vmId, sandboxId: "", createdAt: 0 };
  return { vmId, token, tags, cpus: 1, memoryBytes: 1, image: "", userData: "", cgroupParent: "" };
}

function newProvider(options: Partial<FakeCloudOptions> = {}): FakeProvider {
  const cloud = new FakeCloud({ clock: systemClock, ...options });
  return new FakeProvider({ name: "fake", cluster: "c", node: "n", cloud });
}

Deno.test("FakeCloud.nextCreateError fails one call, failNext() as many as it was given", async () => {
  const provider = newProvider();
  provider.cloud.nextCreateError = new QuotaError("No more");
  await assert.rejects(provider.create(spec(), signal), QuotaError);
  assert.equal((await provider.create(spec(), signal)).state, "running");
  provider.cloud.failNext("list", new UnavailableError("One"), new UnavailableError("Two"));
  await assert.rejects(provider.list(signal), /One/);
  await assert.rejects(provider.list(signal), /Two/);
  assert.equal((await provider.list(signal)).length, 1);
  assert.equal(provider.cloud.calls("list"), 3);
});

Deno.test("FakeCloud.ignoreTokenOnce makes a second VM with the same tags", async () => {
  const provider = newProvider();
  const twice = spec();
  const first = await provider.create(twice, signal);
  provider.cloud.ignoreTokenOnce = true;
  const second = await provider.create(twice, signal);
  assert.notEqual(first.instanceId, second.instanceId);
  assert.deepEqual((await provider.list(signal)).map(({ tags }) => tags.vmId), [twice.vmId, twice.vmId]);
  assert.equal((await provider.create(twice, signal)).instanceId, first.instanceId);
});

Deno.test("FakeCloud.loseCreateReplyOnce makes the VM and fails all the same", async () => {
  const provider = newProvider();
  const lost = spec();
  provider.cloud.loseCreateReplyOnce = true;
  await assert.rejects(provider.create(lost, signal), UnavailableError);
  const [vm] = await provider.list(signal);
  assert.equal(vm?.tags.vmId, lost.vmId);
  assert.equal((await provider.create(lost, signal)).instanceId, vm?.instanceId);
});

Deno.test("FakeCloud has room for so many VMs as its capacity, also after some were deleted", async () => {
  const provider = newProvider({ knobs: { capacity: 2 } });
  const first = await provider.create(spec(), signal);
  await provider.create(spec(), signal);
  await assert.rejects(provider.create(spec(), signal), CapacityError);
  await provider.delete(first.instanceId, signal);
  await provider.create(spec(), signal);
});

Deno.test("FakeCloud takes its time on the clock: latency, boot, deletion", async () => {
  const timers = FakeTimers.createClock();
  const clock: Clock = {
    now: () => timers.now,
    nowNs: () => BigInt(timers.now) * 1_000_000n,
    sleep: (ms) => new Promise((resolve) => void timers.setTimeout(() => resolve(), ms)),
  };
  const knobs = { latency: { min: 100, max: 300 }, boot: 1000, deletion: 5000 };
  const provider = newProvider({ clock, knobs, random: () => 0.5 });
  const after = async <T>(ms: number, promise: Promise<T>) => {
    await timers.tickAsync(ms);
    return promise;
  };
  const { instanceId, state } = await after(200, provider.create(spec(), signal));
  assert.equal(state, "pending");
  await timers.tickAsync(1000);
  assert.equal((await after(200, provider.describe(instanceId, signal))).state, "running");
  await after(200, provider.delete(instanceId, signal));
  assert.equal((await after(200, provider.describe(instanceId, signal))).state, "stopping");
  await timers.tickAsync(5000);
  const gone = assert.rejects(provider.describe(instanceId, signal), NotFoundError);
  await timers.tickAsync(200);
  await gone;
});

Deno.test("FakeCloud.knobs.errorRate fails that share of calls", async () => {
  const values = [0, 0.05, 0, 0.15];
  const provider = newProvider({ knobs: { errorRate: 0.1 }, random: () => values.shift()! });
  await assert.rejects(provider.list(signal), UnavailableError);
  assert.deepEqual(await provider.list(signal), []);
});

Deno.test("fakeConfigSchema refuses unknown knobs and a latency that ends before it begins", () => {
  assert.equal(fakeConfigSchema.safeParse({ kind: "fake", latency: { min: 5, max: 1 } }).success, false);
  assert.equal(fakeConfigSchema.safeParse({ kind: "fake", speed: 1 }).success, false);
  assert.equal(fakeConfigSchema.parse({ kind: "fake" }).capacity, 100_000);
});
