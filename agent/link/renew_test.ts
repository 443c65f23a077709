// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { CertificateAuthority } from "../../cri/agents/authority.ts";
import { currentAuthority, readCsr } from "../../cri/agents/enrolment.ts";
import { AutoClock, idle } from "../../cri/testing/auto_clock.ts";
import { Node } from "../../protocol/gen/agent_pb.ts";
import { Router, Session, transportPair } from "../../protocol/link/session.ts";
import { createCsr } from "./csr.ts";
import type { SignedIdentity } from "./identity.ts";
import { IdentityFile } from "./identity.ts";
import { importKeyPair } from "./key.ts";
import { keepRenewed, renewAt } from "./renew.ts";

const VM = "0123456789abcdef0123456789abcdef";
const DAY = 24 * 3_600_000;

/** An agent with a certificate, linked to a node that issues another whenever it is asked. */
async function linked(directory: string) {
  const clock = new AutoClock();
  const authority = await CertificateAuthority.open(directory, { clock });
  const issue = async (csr: Uint8Array) => {
    const certificate = await authority.issueAgent(VM, await readCsr(csr, VM));
    return {
      certificate: new Uint8Array(certificate.rawData),
      authorities: [...currentAuthority(authority)],
    };
  };
  const file = new IdentityFile(`${directory}/identity.json`, VM);
  const fresh = await file.open(authority.certificate);
  const identity = await file.store(fresh, await issue(await createCsr(await importKeyPair(fresh.key), VM)));
  const asked: number[] = [];
  let broken = true;
  const router = new Router().service(Node, {
    renew: async ({ csr }) => {
      asked.push(clock.now());
      if (broken) throw new Error("no disk");
      return await issue(csr);
    },
  });
  const [ours, theirs] = transportPair();
  const session = new Session(ours, { role: "dialer" });
  const node = new Session(theirs, { role: "listener", router });
  const close = () => {
    session.close("over");
    node.close("over");
  };
  return { clock, file, identity, session, asked, close, repair: () => broken = false };
}

Deno.test("keepRenewed() asks at two thirds of the certificate's life, and again until it succeeds", async () => {
  const directory = await Deno.makeTempDir();
  const { clock, file, identity, session, asked, close, repair } = await linked(directory);
  const start = clock.now();
  const renewed: SignedIdentity[] = [];
  const stop = new AbortController();
  const options = { file, clock, onrenewed: (each: SignedIdentity) => renewed.push(each) };
  const running = keepRenewed(session, identity, options, stop.signal);
  // Valid from an hour ago for three days from now.
  const due = (3 * DAY + 3_600_000) * 2 / 3 - 3_600_000;
  assert.equal(Math.round(renewAt(identity) - start), Math.round(due));
  await clock.pass(due - 1);
  assert.deepEqual(asked, []);
  await clock.pass(2);
  await settle(() => asked.length === 1);
  repair();
  await clock.pass(60_000);
  await settle(() => renewed.length === 1);
  assert.equal(asked.length, 2);
  assert.equal(renewAt(renewed[0]!) - clock.now() > DAY, true);
  stop.abort();
  await running;
  close();
  assert.equal(clock.sleeping, 0);
  await Deno.remove(directory, { recursive: true });
});

/** Keys are made and files are written by threads, whose turns no clock knows. */
async function settle(done: () => boolean): Promise<void> {
  while (!done()) await idle();
  await idle();
}
