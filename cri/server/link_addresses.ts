// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { NodeConfig } from "../config/schema.ts";

const ANY = new Set(["0.0.0.0", "::", "[::]"]);

/** One address of a network interface of this host. */
export type Interface = Pick<Deno.NetworkInterfaceInfo, "name" | "address" | "scopeid">;

/** Where VMs reach this node: hosts for its certificate, `host:port` for the agents, in the order in which to try them. */
export function linkAddresses(
  { host, addresses }: Omit<NodeConfig["link"], "limits">,
  port: number,
  interfaces: readonly Interface[],
): { hosts: string[]; nodes: string[] } {
  const given = addresses.length > 0
    ? addresses
    : (ANY.has(host) ? hostAddresses(interfaces) : [bracketed(host)]);
  const nodes = given.map((address) => /(^[^\]]*|\]):\d+$/.test(address) ? address : `${address}:${port}`);
  const hosts = nodes.map((node) => node.replace(/:\d+$/, "").replace(/^\[|\]$/g, ""));
  return { hosts: [...new Set(hosts)], nodes };
}

/** Every address that another machine may reach, the loopback one last: VMs that are processes here come by that. */
function hostAddresses(interfaces: readonly Interface[]): string[] {
  const usable = interfaces.filter(({ name, address, scopeid }) =>
    name !== "lo" && !scopeid && !address.startsWith("fe80:")
  );
  return [...usable.map(({ address }) => bracketed(address)), "127.0.0.1"];
}

function bracketed(address: string): string {
  return address.includes(":") && !address.startsWith("[") ? `[${address}]` : address;
}
