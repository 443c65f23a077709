// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { UnavailableError } from "../../lib/errors.ts";
import { ConfigureRequestSchema, CreateRequestSchema } from "../../protocol/gen/agent_pb.ts";
import { AgentStore } from "./store.ts";

async function withDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await work(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** As if the process had been killed and started again. */
async function reopened<T>(directory: string, work: (store: AgentStore) => T | Promise<T>): Promise<T> {
  using store = new AgentStore(directory);
  return await work(store);
}

const stored = {
  request: create(CreateRequestSchema, {
    containerId: "c1",
    config: Uint8Array.of(0, 255, 10),
    imageId: "i",
  }),
  createdAtNs: 1_795_244_400_123_456_789n,
  warnings: ["no limits"],
};

Deno.test("AgentStore keeps the binding to a sandbox byte for byte", () =>
  withDirectory(async (directory) => {
    const request = create(ConfigureRequestSchema, {
      sandboxId: "s",
      config: Uint8Array.of(0, 200),
      addresses: ["::1"],
    });
    assert.equal(await reopened(directory, (store) => store.sandbox()), undefined);
    await reopened(directory, (store) => store.bind(request));
    assert.deepEqual(await reopened(directory, (store) => store.sandbox()), request);
  }));

Deno.test("AgentStore keeps containers until they are deleted", () =>
  withDirectory(async (directory) => {
    await reopened(directory, async (store) => {
      store.prepare("c1");
      await store.add("c1", stored);
    });
    assert.deepEqual(await reopened(directory, (store) => store.containers()), new Map([["c1", stored]]));
    await reopened(directory, (store) => store.delete("c1"));
    assert.deepEqual(await reopened(directory, (store) => store.containers()), new Map());
  }));

Deno.test("AgentStore clears away containers that are half made or half deleted", () =>
  withDirectory(async (directory) => {
    await reopened(directory, async (store) => {
      store.prepare("c1");
      await store.add("c1", stored);
      store.prepare("half-made");
      await Deno.writeTextFile(`${store.directory("half-made")}/container.json.new`, "{");
      store.prepare("half-deleted");
      await Deno.writeTextFile(`${store.directory("half-deleted")}/exit.json`, "{}");
    });
    await reopened(directory, (store) => assert.deepEqual([...store.containers().keys()], ["c1"]));
    const left = await Array.fromAsync(Deno.readDir(`${directory}/containers`), ({ name }) => name);
    assert.deepEqual(left, ["c1"]);
  }));

Deno.test("AgentStore keeps what it holds to itself", () =>
  withDirectory(async (directory) => {
    await reopened(directory, async (store) => {
      store.prepare("c1");
      await store.add("c1", stored);
    });
    const mode = (path: string) => Deno.statSync(`${directory}/${path}`).mode! & 0o777;
    assert.deepEqual([mode("containers"), mode("containers/c1"), mode("containers/c1/container.json")], [
      0o700,
      0o700,
      0o600,
    ]);
  }));

Deno.test("AgentStore refuses a second agent in the same directory", () =>
  withDirectory((directory) =>
    reopened(directory, () => {
      assert.throws(() => new AgentStore(directory), (error) => {
        assert(error instanceof UnavailableError);
        assert.match(error.message, /^Another vmserver works in /);
        return true;
      });
    })
  ));

Deno.test("AgentStore refuses a file of a newer version instead of misreading it", () =>
  withDirectory((directory) =>
    reopened(directory, async (store) => {
      await Deno.writeTextFile(`${directory}/sandbox.json`, '{"version":2}');
      assert.throws(() => store.sandbox(), /has version 2, this program knows version 1/);
    })
  ));
