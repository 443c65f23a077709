// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { isIP } from "node:net";
import { NotFoundError } from "../../lib/errors.ts";
import type { PodProvider, Vm } from "../provider.ts";
import { IDENTITY } from "./run.ts";
import type { SuiteRun } from "./run.ts";

const ABSENT = "This provider does not have the ability: name the clause in `skip`, with the reason";
const UNKNOWN_ID = "no-such-instance-0000";

/** Each clause of the contract by its sentence. What it leaves behind is deleted by the suite, by way of `list`. */
export const CLAUSES = {
  "create() answers a VM with the tags that were asked for": createAnswersTags,
  "create() with the same token answers the same VM": createIsIdempotent,
  "create() with the same token at the same time makes one VM": createIsIdempotentConcurrently,
  "create() after a crash of the node answers the VM of the same token": createIsIdempotentAfterCrash,
  "create() makes VMs that run, each with addresses of its own": createGivesAddresses,
  "create() with an aborted signal makes nothing": createHonoursAbort,
  "create() that is aborted on its way leaves at most one VM, which is listed": createAborted,
  "list() tells every VM of this node and none of another": listFilters,
  "list(), describe(), delete() honour an aborted signal": readsHonourAbort,
  "describe() throws NotFoundError for an unknown id": describeUnknown,
  "delete() is called again until the VM is gone, and nothing is left": deleteLoop,
  "delete() of a VM that is gone or unknown is no error": deleteTwice,
  "delete() at the same time by two callers ends well": deleteConcurrently,
  "delete() right after create() leaves nothing": deleteAtOnce,
  "delete() after a crash of the node finishes what was begun": deleteAfterCrash,
  "close() leaves VMs alive": closeLeavesVms,
  "bind() changes the sandbox in the tags": bindChangesTags,
  "console() answers at most the bytes asked for": consoleIsBounded,
  "localLink() ends with its signal, and for an unknown VM at once": localLinkEnds,
} satisfies Record<string, (run: SuiteRun) => Promise<void>>;

export type ClauseName = keyof typeof CLAUSES;

async function createAnswersTags(run: SuiteRun): Promise<void> {
  const provider = await run.provider();
  const spec = run.spec();
  const vm = await provider.create(spec, run.signal);
  assert.notEqual(vm.instanceId, "");
  assert.deepEqual(vm.tags, spec.tags);
  const described = await provider.describe(vm.instanceId, run.signal);
  assert.equal(described.instanceId, vm.instanceId);
  assert.deepEqual(described.tags, spec.tags);
  const unbound = run.spec({ sandboxId: "" });
  assert.deepEqual((await provider.create(unbound, run.signal)).tags, unbound.tags);
}

async function createIsIdempotent(run: SuiteRun): Promise<void> {
  const provider = await run.provider();
  const spec = run.spec();
  const first = await provider.create(spec, run.signal);
  const second = await provider.create(spec, run.signal);
  await run.untilRunning(provider, first);
  const third = await provider.create(spec, run.signal);
  assert.deepEqual(instances([second, third]), instances([first, first]));
  assert.equal((await provider.list(run.signal)).length, 1);
  const other = await provider.create(run.spec(), run.signal);
  assert.notEqual(other.instanceId, first.instanceId);
}

async function createIsIdempotentConcurrently(run: SuiteRun): Promise<void> {
  const providers = [await run.provider(), await run.provider()];
  const spec = run.spec();
  const calls = providers.flatMap((provider) => [1, 2, 3].map(() => provider.create(spec, run.signal)));
  const vms = await Promise.all(calls);
  assert.equal(new Set(instances(vms)).size, 1);
  assert.equal((await providers[0]!.list(run.signal)).length, 1);
}

async function createIsIdempotentAfterCrash(run: SuiteRun): Promise<void> {
  const spec = run.spec();
  const first = await (await run.provider()).create(spec, run.signal);
  const restarted = await run.provider();
  const again = await restarted.create(spec, run.signal);
  assert.equal(again.instanceId, first.instanceId);
  assert.deepEqual(again.tags, spec.tags);
  const { addresses } = await run.untilRunning(restarted, again);
  assert.deepEqual((await run.untilRunning(await run.provider(), again)).addresses, addresses);
  assert.equal((await restarted.list(run.signal)).length, 1);
}

async function createGivesAddresses(run: SuiteRun): Promise<void> {
  const provider = await run.provider();
  const created = await Promise.all([1, 2, 3, 4].map(() => provider.create(run.spec(), run.signal)));
  const running = await Promise.all(created.map((vm) => run.untilRunning(provider, vm)));
  for (const { addresses } of running) {
    assert.notEqual(addresses.length, 0);
    for (const address of addresses) assert.notEqual(isIP(address), 0, `${address} is no IP address`);
  }
  const all = running.flatMap(({ addresses }) => addresses);
  assert.equal(new Set(all).size, all.length, `Two VMs share an address: ${all.join(", ")}`);
  const listed = await provider.list(run.signal);
  assert.deepEqual(listed.flatMap(({ addresses }) => addresses).sort(), all.sort());
}

async function createHonoursAbort(run: SuiteRun): Promise<void> {
  const provider = await run.provider();
  const reason = new Error("No longer wanted");
  await assert.rejects(provider.create(run.spec(), AbortSignal.abort(reason)), (error) => error === reason);
  assert.deepEqual(await provider.list(run.signal), []);
}

async function createAborted(run: SuiteRun): Promise<void> {
  const provider = await run.provider();
  const spec = run.spec();
  const caller = new AbortController();
  const reason = new Error("No longer wanted");
  const call = provider.create(spec, caller.signal);
  caller.abort(reason);
  // A provider that is done already may answer.
  const ended = await call.then(() => "answered", (error) => error);
  assert.ok(
    ended === "answered" || ended === reason,
    `Rejected with ${ended} instead of the signal's reason`,
  );
  const again = await provider.create(spec, run.signal);
  await run.untilRunning(provider, again);
  assert.deepEqual(instances(await provider.list(run.signal)), [again.instanceId]);
}

async function listFilters(run: SuiteRun): Promise<void> {
  const provider = await run.provider();
  assert.deepEqual(await provider.list(run.signal), []);
  const specs = [run.spec(), run.spec(), run.spec({ sandboxId: "" })];
  for (const spec of specs) await provider.create(spec, run.signal);
  const tags = (await provider.list(run.signal)).map((vm) => vm.tags);
  assert.deepEqual(byVmId(tags), byVmId(specs.map((spec) => spec.tags)));
  for (const other of [{ ...IDENTITY, node: "node-2" }, { ...IDENTITY, cluster: "other" }]) {
    assert.deepEqual(await (await run.provider(other)).list(run.signal), []);
  }
}

async function readsHonourAbort(run: SuiteRun): Promise<void> {
  const provider = await run.provider();
  const { instanceId } = await provider.create(run.spec(), run.signal);
  const reason = new Error("No longer wanted");
  const aborted = AbortSignal.abort(reason);
  await assert.rejects(provider.list(aborted), (error) => error === reason);
  await assert.rejects(provider.describe(instanceId, aborted), (error) => error === reason);
  await assert.rejects(provider.delete(instanceId, aborted), (error) => error === reason);
  assert.equal(await run.isGone(provider, instanceId), false);
}

async function describeUnknown(run: SuiteRun): Promise<void> {
  const provider = await run.provider();
  await assert.rejects(provider.describe(UNKNOWN_ID, run.signal), NotFoundError);
}

async function deleteLoop(run: SuiteRun): Promise<void> {
  const before = await run.world.inventory();
  const provider = await run.provider();
  const [kept, doomed] = [
    await provider.create(run.spec(), run.signal),
    await provider.create(run.spec(), run.signal),
  ];
  await Promise.all([run.untilRunning(provider, kept), run.untilRunning(provider, doomed)]);
  await run.deleteUntilGone(provider, doomed.instanceId);
  assert.deepEqual(instances(await provider.list(run.signal)), [kept.instanceId]);
  await run.untilRunning(provider, kept);
  await run.deleteUntilGone(provider, kept.instanceId);
  assert.deepEqual(
    await run.world.inventory(),
    before,
    "Something is left although describe() says NotFoundError",
  );
}

async function deleteTwice(run: SuiteRun): Promise<void> {
  const provider = await run.provider();
  await provider.delete(UNKNOWN_ID, run.signal);
  const { instanceId } = await provider.create(run.spec(), run.signal);
  await run.deleteUntilGone(provider, instanceId);
  await provider.delete(instanceId, run.signal);
  await (await run.provider()).delete(instanceId, run.signal);
  assert.equal(await run.isGone(provider, instanceId), true);
}

async function deleteConcurrently(run: SuiteRun): Promise<void> {
  const providers = [await run.provider(), await run.provider()];
  const { instanceId } = await providers[0]!.create(run.spec(), run.signal);
  await Promise.all(
    [...providers, ...providers].map((provider) => run.deleteUntilGone(provider, instanceId)),
  );
  assert.deepEqual(await providers[0]!.list(run.signal), []);
}

async function deleteAtOnce(run: SuiteRun): Promise<void> {
  const before = await run.world.inventory();
  const provider = await run.provider();
  const { instanceId } = await provider.create(run.spec(), run.signal);
  await run.deleteUntilGone(provider, instanceId);
  assert.deepEqual(await run.world.inventory(), before);
}

async function deleteAfterCrash(run: SuiteRun): Promise<void> {
  const provider = await run.provider();
  const { instanceId } = await provider.create(run.spec(), run.signal);
  const caller = new AbortController();
  const call = provider.delete(instanceId, caller.signal);
  caller.abort(new Error("Node has crashed"));
  await call.catch(() => {}); // It may have ended in time or not: both must be finished by the next.
  await run.deleteUntilGone(await run.provider(), instanceId);
  assert.equal(await run.isGone(provider, instanceId), true);
}

async function closeLeavesVms(run: SuiteRun): Promise<void> {
  const provider = await run.provider();
  const vm = await provider.create(run.spec(), run.signal);
  await run.untilRunning(provider, vm);
  await provider.close();
  await provider.close();
  const restarted = await run.provider();
  assert.deepEqual(instances(await restarted.list(run.signal)), [vm.instanceId]);
  await run.untilRunning(restarted, vm);
}

async function bindChangesTags(run: SuiteRun): Promise<void> {
  const provider = await run.provider();
  assert.ok(provider.bind, ABSENT);
  const spec = run.spec({ sandboxId: "" });
  const { instanceId } = await provider.create(spec, run.signal);
  const sandboxId = "a".repeat(64);
  await provider.bind(instanceId, sandboxId, "", run.signal);
  assert.deepEqual((await provider.describe(instanceId, run.signal)).tags, { ...spec.tags, sandboxId });
  await assert.rejects(provider.bind(UNKNOWN_ID, sandboxId, "", run.signal), NotFoundError);
}

async function consoleIsBounded(run: SuiteRun): Promise<void> {
  const provider = await run.provider();
  assert.ok(provider.console, ABSENT);
  const vm = await run.untilRunning(provider, await provider.create(run.spec(), run.signal));
  assert.ok((await provider.console(vm.instanceId, 16, run.signal)).length <= 16);
  await assert.rejects(provider.console(UNKNOWN_ID, 16, run.signal), NotFoundError);
}

async function localLinkEnds(run: SuiteRun): Promise<void> {
  const provider = await run.provider();
  assert.ok(provider.localLink, ABSENT);
  await assert.rejects(provider.localLink(UNKNOWN_ID, run.signal), NotFoundError);
  const vm = await provider.create(run.spec(), run.signal);
  const reason = new Error("No longer wanted");
  const aborted = provider.localLink(vm.instanceId, AbortSignal.abort(reason));
  await assert.rejects(aborted, (error) => error === reason);
  const transport = await provider.localLink(vm.instanceId, run.signal);
  await closed(transport, () => run.deleteUntilGone(provider, vm.instanceId));
  assert.equal(await run.isGone(provider, vm.instanceId), true);
}

/** Waits until `act` has made the VM's end of the link close. */
async function closed(
  transport: Awaited<ReturnType<NonNullable<PodProvider["localLink"]>>>,
  act: () => Promise<void>,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  transport.onframe = () => {};
  transport.onclose = () => resolve();
  await act();
  await promise;
}

function instances(vms: readonly Vm[]): string[] {
  return vms.map(({ instanceId }) => instanceId);
}

function byVmId<T extends { readonly vmId: string }>(tags: readonly T[]): T[] {
  return tags.toSorted((a, b) => a.vmId < b.vmId ? -1 : 1);
}
