// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { InvalidArgumentError } from "../../lib/errors.ts";
import { ContainerPhase, ContainerStateSchema } from "../../protocol/gen/agent_pb.ts";
import {
  ContainerState as CriState,
  ListContainersResponseSchema,
  ListPodSandboxResponseSchema,
  PodSandboxState,
} from "../../protocol/gen/cri_pb.ts";
import { containerRow, sandboxRow, vmRow } from "../testing/rows.ts";
import type { FactStore } from "./facts.ts";
import { concatItems } from "./list_item.ts";
import { Model } from "./model.ts";
import { openFactStore } from "./store.ts";

async function withStore(test: (store: FactStore) => void): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "infranetes-model-" });
  try {
    using store = openFactStore(`${directory}/facts.sqlite`);
    test(store);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const sandboxId = sandboxRow().id;
const containerId = containerRow().id;

function insertAll(store: FactStore): void {
  store.transaction("all", () => {
    store.sandboxes.insert(sandboxRow({ readyAt: 1 }), "sandbox");
    store.vms.insert(vmRow(), "vm");
    store.containers.insert(containerRow({ createdOnAgentAt: 1 }), "container");
  });
}

Deno.test("Model knows what the store has at its start and follows every change of it", () =>
  withStore((store) => {
    insertAll(store);
    const early = new Model(store);
    assert.equal(early.sandbox(sandboxId)!.vm!.createToken, "token");
    assert.deepEqual([...early.containersOf(sandboxId)].map((each) => each.id), [containerId]);
    store.vms.update(vmRow().vmId, { instanceId: "i-1" }, "VM created");
    assert.equal(early.sandbox(sandboxId)!.vm!.instanceId, "i-1");
    store.sandboxes.update(sandboxId, { stoppedAt: 5 }, "stopped");
    assert.equal(early.sandbox(sandboxId)!.state.kind, "stopped");
    store.transaction("removed", () => {
      store.containers.delete(containerId, "");
      store.vms.delete(vmRow().vmId, "");
      store.sandboxes.delete(sandboxId, "");
    });
    assert.deepEqual([...early.sandboxes(), ...early.containers(), ...early.vms()], []);
    assert.deepEqual([...early.containersOf(sandboxId)], []);
    assert.equal(early.sandboxByKey(sandboxRow()), undefined);
  }));

Deno.test("Model finds a sandbox by its key, by its id and by a unique beginning of that", () =>
  withStore((store) => {
    const model = new Model(store);
    store.sandboxes.insert(sandboxRow({ id: "aaa1", attempt: 0 }), "");
    store.sandboxes.insert(sandboxRow({ id: "aaa2", attempt: 1 }), "");
    store.sandboxes.insert(sandboxRow({ id: "aaa", attempt: 2 }), "");
    assert.equal(model.sandboxByKey(sandboxRow({ attempt: 1 }))!.id, "aaa2");
    assert.equal(model.resolveSandbox("aaa")!.id, "aaa");
    assert.equal(model.resolveSandbox("aaa2")!.id, "aaa2");
    assert.equal(model.resolveSandbox("b"), undefined);
    assert.equal(model.resolveSandbox(""), undefined);
    assert.throws(() => model.resolveSandbox("aa"), InvalidArgumentError);
  }));

Deno.test("an entry's list item is encoded anew after each change, and only then", () =>
  withStore((store) => {
    insertAll(store);
    const model = new Model(store);
    const sandbox = model.sandbox(sandboxId)!;
    const container = model.container(containerId)!;
    const decode = () => ({
      sandbox: fromBinary(ListPodSandboxResponseSchema, concatItems([sandbox.listItem])).items[0]!,
      container: fromBinary(ListContainersResponseSchema, concatItems([container.listItem])).containers[0]!,
    });
    assert.equal(decode().sandbox.state, PodSandboxState.SANDBOX_READY);
    assert.deepEqual(decode().sandbox.labels, { app: "web" });
    assert.equal(decode().container.state, CriState.CONTAINER_CREATED);
    assert.equal(decode().container.image!.image, "busybox:1");
    assert.equal(decode().container.imageId, "sha256:1");
    assert.equal(sandbox.listItem, sandbox.listItem);
    model.setAgentState(container, create(ContainerStateSchema, { phase: ContainerPhase.RUNNING }));
    assert.equal(decode().container.state, CriState.CONTAINER_RUNNING);
    store.sandboxes.update(sandboxId, { stoppedAt: 1 }, "stopped");
    assert.equal(decode().sandbox.state, PodSandboxState.SANDBOX_NOTREADY);
  }));

Deno.test("Model takes a container's last recorded state until its agent tells another", () =>
  withStore((store) => {
    insertAll(store);
    const state = create(ContainerStateSchema, { phase: ContainerPhase.EXITED, exitCode: 3 });
    const lastState = toBinary(ContainerStateSchema, state);
    store.containers.update(containerId, { lastState }, "exited");
    assert.equal(new Model(store).container(containerId)!.agentState!.exitCode, 3);
  }));

Deno.test("Model.subscribe() tells of changes and removals until it is disposed of", () =>
  withStore((store) => {
    const model = new Model(store);
    const told: string[] = [];
    const subscription = model.subscribe(({ kind, entry }) => told.push(`${kind} ${entry.id[0]}`));
    insertAll(store);
    model.setAgentState(model.container(containerId)!, create(ContainerStateSchema));
    store.containers.delete(containerId, "");
    subscription[Symbol.dispose]();
    store.sandboxes.update(sandboxId, { stoppedAt: 1 }, "");
    assert.deepEqual(told, ["changed a", "changed c", "changed c", "removed c"]);
  }));

Deno.test("what is being created, and what a client made, is in no list", () =>
  withStore((store) => {
    const model = new Model(store);
    store.sandboxes.insert(sandboxRow(), "");
    store.containers.insert(containerRow(), "");
    assert.equal(model.sandbox(sandboxId)!.listed, false);
    assert.equal(model.container(containerId)!.listed, false);
    store.sandboxes.update(sandboxId, { readyAt: 1 }, "");
    store.containers.update(containerId, { createdOnAgentAt: 1 }, "");
    assert.equal(model.sandbox(sandboxId)!.listed, true);
    assert.equal(model.container(containerId)!.listed, true);
    store.sandboxes.update(sandboxId, { origin: "client" }, "");
    assert.equal(model.sandbox(sandboxId)!.listed, false);
    assert.equal(model.container(containerId)!.listed, false);
  }));
