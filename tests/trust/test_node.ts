// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { join } from "node:path";
import type { Clock } from "../../lib/clock.ts";
import { systemClock } from "../../lib/clock.ts";
import type { UserData } from "../../protocol/user_data.ts";
import { CertificateAuthority } from "../../cri/agents/authority.ts";
import { Enrolment } from "../../cri/agents/enrolment.ts";
import { LinkGate } from "../../cri/agents/link_gate.ts";
import { LinkListener } from "../../cri/agents/listener.ts";
import type { ListenerOptions } from "../../cri/agents/listener.ts";
import { NodeCertificate } from "../../cri/agents/node_certificate.ts";
import { AgentRegistry } from "../../cri/agents/registry.ts";
import type { RegistryOptions } from "../../cri/agents/registry.ts";
import { vmFacts } from "../../cri/agents/testing/vm_facts.ts";
import type { FactStore, VmFacts } from "../../cri/state/facts.ts";
import { openFactStore } from "../../cri/state/store.ts";

export interface TestNodeOptions {
  readonly clock?: Clock;
  readonly agentLifeMs?: number;
  readonly registry?: Partial<RegistryOptions>;
  readonly listener?: Partial<ListenerOptions>;
  readonly afterFact?: (fact: string) => void;
  /** To start a node again on what an earlier one left. */
  readonly stateDir?: string;
  /** @default "127.0.0.1" */
  readonly host?: string;
  /** @default a free one */
  readonly port?: number;
}

interface Parts {
  readonly stateDir: string;
  readonly store: FactStore;
  readonly authority: CertificateAuthority;
  readonly certificate: NodeCertificate;
  readonly registry: AgentRegistry;
  readonly listener: LinkListener;
  readonly address: string;
}

/** The node's end of the link with a fact file of its own, on a loopback address. */
export class TestNode implements AsyncDisposable {
  readonly stateDir: string;
  readonly store: FactStore;
  readonly authority: CertificateAuthority;
  readonly certificate: NodeCertificate;
  readonly registry: AgentRegistry;
  readonly listener: LinkListener;
  /** `host:port` at which it listens. */
  readonly address: string;
  #closed = false;

  private constructor(parts: Parts) {
    this.stateDir = parts.stateDir;
    this.store = parts.store;
    this.authority = parts.authority;
    this.certificate = parts.certificate;
    this.registry = parts.registry;
    this.listener = parts.listener;
    this.address = parts.address;
  }

  static async start(options: TestNodeOptions = {}): Promise<TestNode> {
    const { afterFact, agentLifeMs, clock = systemClock, host = "127.0.0.1" } = options;
    const { stateDir = await Deno.makeTempDir() } = options;
    const store = openFactStore(join(stateDir, "facts"), afterFact ? { afterFact } : {});
    const life = agentLifeMs === undefined ? {} : { agentLifeMs };
    const authority = await CertificateAuthority.open(join(stateDir, "authority"), { clock, ...life });
    const certificate = await NodeCertificate.create(authority, [host, "localhost"], clock);
    const common = { authority, clock, store, vms: store.vms };
    const times = { nodeVersion: "test", heartbeatMs: 10_000, orphanTimeoutMs: 0 };
    const registry = new AgentRegistry({ ...times, ...options.registry, ...common });
    const listener = await LinkListener.listen({
      ...options.listener,
      host,
      port: options.port ?? 0,
      authority,
      certificate,
      registry,
      gate: new LinkGate(common),
      enrolment: new Enrolment({ ...common, fingerprints: () => certificate.fingerprints }),
    });
    const address = `${host.includes(":") ? `[${host}]` : host}:${listener.port}`;
    await registry.setNodes([address]);
    return new TestNode({ stateDir, store, authority, certificate, registry, listener, address });
  }

  /** A VM that was asked for, as RunPodSandbox records it. Answers what it is told at its start. */
  addVm(facts: Partial<VmFacts> = {}): UserData {
    const row = vmFacts(facts);
    this.store.vms.insert(row, "vm");
    const { certificate: caCertificate } = this.authority;
    return { version: 1, vmId: row.vmId, joinToken: row.joinToken!, caCertificate, nodes: [this.address] };
  }

  /** Ends it but leaves its state. */
  async stop(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.registry.close();
    await this.listener.close();
    this.store[Symbol.dispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.stateDir, { recursive: true });
  }
}

/** The machine's clock, so many milliseconds ahead. */
export function skewedClock(aheadMs: number): Clock {
  return { ...systemClock, now: () => systemClock.now() + aheadMs };
}
