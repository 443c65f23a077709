// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { isIP, isIPv6 } from "node:net";

export interface NodeAddressesOptions {
  /** Where the node listens. */
  readonly host: string;
  readonly port: number;
  /** `host` or `host:port`, IPv6 in brackets, as configured. Empty: those of `host`. */
  readonly configured: readonly string[];
  /** The machine's own addresses. */
  readonly interfaces: readonly Pick<Deno.NetworkInterfaceInfo, "address">[];
}

const WILDCARDS: readonly string[] = ["0.0.0.0", "::", ""];

/** `host:port` at which VMs reach the node, in the order in which to try them. */
export function nodeAddresses({ host, port, configured, interfaces }: NodeAddressesOptions): string[] {
  if (configured.length > 0) return configured.map((each) => /:\d+$/.test(each) ? each : `${each}:${port}`);
  const hosts = WILDCARDS.includes(host) ? reachable(interfaces.map(({ address }) => address)) : [host];
  return hosts.map((each) => isIPv6(each) ? `[${each}]:${port}` : `${each}:${port}`);
}

/** The hosts without ports and brackets: the names that the node's certificate is for. */
export function hostsOf(addresses: readonly string[]): string[] {
  const hosts = addresses.map((each) => each.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1"));
  return [...new Set(hosts)];
}

/** IPv4 first. Loopback only where there is nothing else; link-local addresses mean nothing without their interface. */
function reachable(addresses: readonly string[]): string[] {
  const all = addresses.filter((each) => isIP(each) && !/^(fe[89ab].:|169\.254\.)/i.test(each));
  const outside = all.filter((each) => !/^(127\.|::1$)/.test(each));
  const found = outside.length > 0 ? outside : all;
  return found.toSorted((one, other) => Number(isIPv6(one)) - Number(isIPv6(other)));
}
