// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../../lib/clock.ts";
import { AlreadyExistsError, FailedPreconditionError } from "../../lib/errors.ts";
import type { ProviderContext } from "../context.ts";
import { parseRange } from "./addresses.ts";
import { processConfigSchema } from "./config.ts";
import { openProcessProvider } from "./mod.ts";
import { VmStore } from "./store.ts";

const config = processConfigSchema.parse({ kind: "process" });
const { signal } = new AbortController();

function context(directory: string, unsafe = true): ProviderContext {
  return { name: "local", cluster: "c", node: "n", directory, unsafe, clock: systemClock };
}

function spec(vmId: string, token: string) {
  const tags = { cluster: "c", node: "n", vmId, sandboxId: "", createdAt: 0 };
  return { vmId, token, tags, cpus: 1, memoryBytes: 1, image: "", userData: "{}", cgroupParent: "" };
}

Deno.test("openProcessProvider() refuses without unsafe, and says that there is no isolation at all", async () => {
  await assert.rejects(openProcessProvider(config, context("/nonexistent", false)), (error) => {
    assert.ok(error instanceof FailedPreconditionError);
    assert.match(error.message, /no isolation at all.*unsafe: true/);
    return true;
  });
});

Deno.test("openProcessProvider() says where the agent should be if it is missing", async () => {
  const wrong = { ...config, agentCommand: ["/nonexistent/vmserver"] };
  await assert.rejects(
    openProcessProvider(wrong, context("/nonexistent")),
    /no agent at \/nonexistent\/vmserver/,
  );
});

Deno.test("processConfigSchema refuses unknown keys and ranges outside 127.0.0.0/8", () => {
  assert.equal(processConfigSchema.safeParse({ kind: "process", addresses: "10.0.0.0/8" }).success, false);
  assert.equal(processConfigSchema.safeParse({ kind: "process", adresses: "127.64.0.0/10" }).success, false);
  assert.equal(processConfigSchema.safeParse({ kind: "process", agentCommand: [] }).success, false);
});

Deno.test("openProcessProvider() sweeps what a crash or a power failure has left", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const broken = "d".repeat(32);
    for (const name of [`.new-${"e".repeat(32)}`, ".gone-x", broken]) await Deno.mkdir(join(directory, name));
    await Deno.writeTextFile(join(directory, broken, "vm.json"), "");
    const provider = await openProcessProvider(config, context(directory));
    assert.deepEqual((await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name), ["lock"]);
    await provider.close();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("VmStore.reserve() gives a token one record, a VM id one token, and each VM an address", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const store = await VmStore.open(directory, parseRange("127.64.0.0/29")!, signal);
    const ids = [..."012345"].map((digit) => digit.repeat(32));
    const records = await Promise.all(ids.map((id) => store.reserve(spec(id, `token ${id}`), signal)));
    assert.equal(new Set(records.map(({ address }) => address)).size, 6);
    assert.deepEqual(await store.reserve(spec("f".repeat(32), `token ${ids[0]}`), signal), records[0]);
    await assert.rejects(store.reserve(spec("f".repeat(32), "another"), signal), { name: "CapacityError" });
    await store.remove(ids[0]!);
    await assert.rejects(store.reserve(spec(ids[1]!, "another"), signal), AlreadyExistsError);
    assert.equal((await store.reserve(spec("f".repeat(32), "another"), signal)).address, records[0]!.address);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
