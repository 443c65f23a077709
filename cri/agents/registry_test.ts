// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { createCsr } from "../../agent/link/csr.ts";
import { generateKey, importKeyPair } from "../../agent/link/key.ts";
import { NotFoundError } from "../../lib/errors.ts";
import { Containers, HelloRequestSchema, Node, Sandbox } from "../../protocol/gen/agent_pb.ts";
import { CloseCode, Router, Session, transportPair } from "../../protocol/link/session.ts";
import { Code, RpcError } from "../../protocol/status.ts";
import type { AgentLink } from "../agent_link.ts";
import type { VmFacts } from "../state/facts.ts";
import { openFactStore } from "../state/store.ts";
import { AutoClock, idle } from "../testing/auto_clock.ts";
import { CertificateAuthority } from "./authority.ts";
import { AgentRegistry } from "./registry.ts";
import { vmFacts } from "./testing/vm_facts.ts";

type Hello = MessageInitShape<typeof HelloRequestSchema>;

/** A registry on a fact file of its own, and agents that reach it through memory. */
class Bench implements AsyncDisposable {
  readonly clock = new AutoClock();
  readonly links: AgentLink[] = [];
  readonly #sessions: Session[] = [];

  private constructor(
    readonly directory: string,
    readonly store: ReturnType<typeof openFactStore>,
    readonly registry: AgentRegistry,
    clock: AutoClock,
    readonly facts: string[],
  ) {
    this.clock = clock;
    registry.onlink = (link) => this.links.push(link);
  }

  static async open(): Promise<Bench> {
    const directory = await Deno.makeTempDir();
    const clock = new AutoClock();
    const authority = await CertificateAuthority.open(directory, { clock });
    const facts: string[] = [];
    const store = openFactStore(join(directory, "facts"), { afterFact: (fact) => facts.push(fact) });
    const times = { heartbeatMs: 5000, orphanTimeoutMs: 60_000 };
    const registry = new AgentRegistry({ store, authority, clock, nodeVersion: "1.2.3", ...times });
    return new Bench(directory, store, registry, clock, facts);
  }

  addVm(facts: Partial<VmFacts> = {}): string {
    const row = vmFacts(facts);
    this.store.vms.insert(row, "vm");
    return row.vmId;
  }

  /** An agent's session, before its Hello. */
  dial(vmId: string, keyDigest: string | null = null): { session: Session; nodesTold: string[][] } {
    const [theirs, ours] = transportPair();
    const nodesTold: string[][] = [];
    const router = new Router().service(Sandbox, {
      setNodes: ({ nodes }) => {
        nodesTold.push([...nodes]);
        return {};
      },
    });
    const session = new Session(theirs, { role: "dialer", router });
    this.#sessions.push(session);
    if (keyDigest === null) this.registry.attach(vmId, ours);
    else this.registry.accept(vmId, keyDigest, ours);
    return { session, nodesTold };
  }

  hello(session: Session, hello: Hello = {}) {
    const request = { protocolOldest: 1, protocolNewest: 1, bootId: "boot", epoch: 1n, ...hello };
    return session.client(Node).hello(request);
  }

  async link(vmId: string, hello: Hello = {}): Promise<Session> {
    const { session } = this.dial(vmId);
    await this.hello(session, hello);
    await idle();
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) session.close("Test is over");
    this.registry.close();
    await idle();
    this.store[Symbol.dispose]();
    await Deno.remove(this.directory, { recursive: true });
  }
}

function status(code: Code, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof RpcError);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}

Deno.test("the first session of a VM records its epoch and boot id and kills the join token, in one fact", async () => {
  await using bench = await Bench.open();
  const vmId = bench.addVm();
  await bench.link(vmId, { epoch: 7n });
  const row = bench.store.vms.get(vmId)!;
  assert.deepEqual([row.epoch, row.bootId, row.joinToken], [7, "boot", null]);
  assert.equal(row.firstSessionAt, bench.clock.now());
  assert.deepEqual(bench.facts, ["vm", "vm session"]);
});

Deno.test("Hello answers what the agent has to know", async () => {
  await using bench = await Bench.open();
  await bench.registry.setNodes(["10.0.0.1:7443"]);
  const answer = await bench.hello(bench.dial(bench.addVm()).session);
  assert.equal(answer.protocol, 1);
  assert.equal(answer.nodeVersion, "1.2.3");
  assert.equal(answer.heartbeatMs, 5000);
  assert.equal(answer.orphanTimeoutMs, 60_000n);
  assert.deepEqual(answer.nodes, ["10.0.0.1:7443"]);
});

Deno.test("a session counts from its Hello on: get(), waitFor() and onlink know it then", async () => {
  await using bench = await Bench.open();
  const vmId = bench.addVm();
  const waiting = bench.registry.waitFor(
    vmId,
    new AbortController().signal,
  );
  const { session } = bench.dial(vmId);
  await idle();
  assert.equal(bench.registry.get(vmId), undefined);
  await bench.hello(session);
  const link = await waiting;
  assert.equal(bench.registry.get(vmId), link);
  assert.deepEqual(bench.links, [link]);
  assert.equal(await bench.registry.waitFor(vmId, new AbortController().signal), link);
  session.close("gone");
  await idle();
  assert.equal(bench.registry.get(vmId), undefined);
});

Deno.test("waitFor() rejects with the signal's reason, and when the VM is forgotten", async () => {
  await using bench = await Bench.open();
  const vmId = bench.addVm();
  const controller = new AbortController();
  const first = bench.registry.waitFor(vmId, controller.signal);
  controller.abort(new Error("enough"));
  await assert.rejects(first, /^Error: enough$/);
  const second = bench.registry.waitFor(vmId, new AbortController().signal);
  bench.registry.forget(vmId);
  await assert.rejects(second, NotFoundError);
});

Deno.test("a greater epoch takes the place of the older session", async () => {
  await using bench = await Bench.open();
  const vmId = bench.addVm();
  const old = await bench.link(vmId, { epoch: 1n });
  const next = await bench.link(vmId, { epoch: 2n });
  const { code, by } = await old.closed;
  assert.deepEqual([code, by], [CloseCode.SUPERSEDED, "peer"]);
  assert.equal(bench.registry.get(vmId)!.hello.epoch, 2n);
  assert.equal(next.end, undefined);
  assert.equal(bench.links.length, 2);
});

Deno.test("an epoch that is equal or smaller is refused and leaves the session that is there", async () => {
  await using bench = await Bench.open();
  const vmId = bench.addVm();
  const old = await bench.link(vmId, { epoch: 5n });
  for (const epoch of [5n, 4n]) {
    const { session } = bench.dial(vmId);
    await assert.rejects(bench.hello(session, { epoch }), status(Code.ABORTED, /not newer than 5/));
    assert.equal((await session.closed).code, CloseCode.SUPERSEDED);
  }
  assert.equal(old.end, undefined);
  assert.equal(bench.registry.get(vmId)!.hello.epoch, 5n);
});

Deno.test("the epoch outlives the node process", async () => {
  await using bench = await Bench.open();
  const vmId = bench.addVm({ epoch: 9 });
  await assert.rejects(bench.link(vmId, { epoch: 9n }), status(Code.ABORTED, /not newer than 9/));
});

Deno.test("nothing is answered before Hello, and Hello only once", async () => {
  await using bench = await Bench.open();
  bench.registry.service(Containers, { trimLogs: () => ({}) });
  const { session } = bench.dial(bench.addVm());
  const first = status(Code.FAILED_PRECONDITION, /Hello must be the first call/);
  await assert.rejects(session.client(Node).renew({}), first);
  await assert.rejects(session.client(Containers).trimLogs({}), first);
  await bench.hello(session);
  await session.client(Containers).trimLogs({});
  await assert.rejects(bench.hello(session, { epoch: 2n }), status(Code.FAILED_PRECONDITION, /twice/));
  await session.closed;
});

Deno.test("a session without Hello ends in time, and a VM cannot pile them up", async () => {
  await using bench = await Bench.open();
  const vmId = bench.addVm();
  const sessions = Array.from({ length: 5 }, () => bench.dial(vmId).session);
  const early = await Promise.all(sessions.slice(0, 3).map(({ closed }) => closed));
  assert.deepEqual(early.map(({ code }) => code), Array(3).fill(CloseCode.FLOOD));
  await bench.clock.pass(9_999);
  assert.deepEqual(sessions.slice(3).map(({ end }) => end), [undefined, undefined]);
  await bench.clock.pass(1);
  assert.deepEqual(sessions.slice(3).map(({ end }) => end?.code), [CloseCode.SILENT, CloseCode.SILENT]);
  assert.equal(bench.clock.sleeping, 0);
});

Deno.test("a Hello that cannot be true is refused and changes no fact", async () => {
  await using bench = await Bench.open();
  const sandboxId = "a".repeat(64);
  const cases: [Partial<VmFacts>, Hello, Code, RegExp][] = [
    [
      {},
      { protocolOldest: 2, protocolNewest: 3 },
      Code.FAILED_PRECONDITION,
      /speaks protocol 2 to 3, node 1 to 1/,
    ],
    [{}, { protocolOldest: 0, protocolNewest: 0 }, Code.FAILED_PRECONDITION, /update the older/],
    [{}, { bootId: "" }, Code.INVALID_ARGUMENT, /no boot id/],
    [{}, { agentVersion: "x".repeat(129) }, Code.INVALID_ARGUMENT, /agentVersion has 129/],
    [{}, { sandboxId: "../../etc" }, Code.INVALID_ARGUMENT, /not 64 hex digits/],
    [{}, { epoch: 2n ** 60n }, Code.INVALID_ARGUMENT, /not a number of dials/],
    [{}, { epoch: 0n }, Code.ABORTED, /not newer than 0/],
    [{ sandboxId }, { sandboxId: "b".repeat(64) }, Code.PERMISSION_DENIED, /made for sandbox a+$/],
    [{ deleteIntentAt: 1 }, {}, Code.NOT_FOUND, /being deleted/],
    [{ deletedAt: 1 }, {}, Code.NOT_FOUND, /deleted/],
  ];
  for (const [facts, hello, code, message] of cases) {
    const vmId = bench.addVm(facts);
    const before = bench.store.vms.get(vmId);
    const { session } = bench.dial(vmId);
    await assert.rejects(bench.hello(session, hello), status(code, message));
    await session.closed;
    assert.deepEqual(bench.store.vms.get(vmId), before);
    assert.equal(bench.registry.get(vmId), undefined);
  }
  assert.deepEqual(bench.links, []);
});

Deno.test("a newer agent that speaks our version too is served in it", async () => {
  await using bench = await Bench.open();
  const { session } = bench.dial(bench.addVm());
  assert.equal((await bench.hello(session, { protocolOldest: 1, protocolNewest: 2 })).protocol, 1);
});

Deno.test("when the fact cannot be written there is no session", async () => {
  await using bench = await Bench.open();
  const vmId = bench.addVm();
  const { session } = bench.dial(vmId);
  bench.store.vms.update = () => {
    throw new Error("disk is full");
  };
  await assert.rejects(bench.hello(session), /disk is full/);
  await session.closed;
  await idle();
  assert.deepEqual([bench.links, bench.registry.get(vmId)], [[], undefined]);
});

Deno.test("forget() ends the sessions of a VM, greeted or not", async () => {
  await using bench = await Bench.open();
  const vmId = bench.addVm();
  const linked = await bench.link(vmId);
  const { session } = bench.dial(vmId);
  bench.registry.forget(vmId);
  assert.equal(bench.registry.get(vmId), undefined);
  for (const each of [linked, session]) assert.match((await each.closed).reason, /being deleted/);
});

Deno.test("setNodes() tells every agent, also one whose Hello is under way", async () => {
  await using bench = await Bench.open();
  const linked = bench.dial(bench.addVm());
  await bench.hello(linked.session);
  await idle();
  const greeting = bench.dial(bench.addVm());
  const answered = bench.hello(greeting.session);
  await bench.registry.setNodes(["10.0.0.2:1"]);
  const { nodes } = await answered;
  await idle();
  assert.deepEqual(linked.nodesTold, [["10.0.0.2:1"]]);
  assert.deepEqual([nodes, ...greeting.nodesTold].at(-1), ["10.0.0.2:1"]);
});

Deno.test("setNodes() between the answer to Hello and the link's publication is not lost", async () => {
  await using bench = await Bench.open();
  const { session, nodesTold } = bench.dial(bench.addVm());
  bench.store.onchange = () => queueMicrotask(() => void bench.registry.setNodes(["10.0.0.3:1"]));
  const { nodes } = await bench.hello(session);
  await idle();
  assert.deepEqual([nodes, ...nodesTold].at(-1), ["10.0.0.3:1"]);
});

Deno.test("an error in onlink ends the session instead of leaving it unwatched", async () => {
  await using bench = await Bench.open();
  bench.registry.onlink = () => {
    throw new Error("no watch");
  };
  const session = await bench.link(bench.addVm());
  assert.equal((await session.closed).code, CloseCode.INTERNAL);
});

Deno.test("a row that was rebuilt without its key takes that of the first session", async () => {
  await using bench = await Bench.open();
  const vmId = bench.addVm({ boundKey: null, joinToken: null });
  const { session } = bench.dial(vmId, "f".repeat(64));
  await bench.hello(session);
  assert.equal(bench.store.vms.get(vmId)!.boundKey, "f".repeat(64));
});

Deno.test("renew is refused on a link without a certificate, for another key, and when asked again at once", async () => {
  await using bench = await Bench.open();
  const csr = await createCsr(await importKeyPair(await generateKey()), "x");
  const local = await bench.link(bench.addVm());
  await assert.rejects(
    local.client(Node).renew({ csr }),
    status(Code.FAILED_PRECONDITION, /no certificate to renew/),
  );
  const { session } = bench.dial(bench.addVm(), "f".repeat(64));
  await bench.hello(session);
  const { renew } = session.client(Node);
  await assert.rejects(renew({ csr }), status(Code.PERMISSION_DENIED, /certificate of its own key only/));
  await assert.rejects(renew({ csr }), status(Code.RESOURCE_EXHAUSTED, /a moment ago/));
  await bench.clock.pass(1000);
  await assert.rejects(renew({ csr: new Uint8Array(9) }), status(Code.INVALID_ARGUMENT, /no PKCS#10/));
});
