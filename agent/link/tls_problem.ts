// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { DetailedPeerCertificate, TLSSocket } from "node:tls";
import type { NodeAddress } from "./node_address.ts";

const TIMEOUT_MS = 5000;

/**
 * Says what is wrong with the certificate that a node shows, for a message: whose it is and when it is valid. The TLS
 * layer tells little more than that it is wrong. Nothing is sent; loads node:tls, so only for when something is wrong.
 *
 * @param authority PEM
 * @param now the VM's clock
 * @returns undefined if nothing is wrong with it, or it cannot be had
 */
export async function tlsProblem(
  address: NodeAddress,
  authorities: readonly string[],
  now: number,
): Promise<string | undefined> {
  const shown = await shownCertificate(address, authorities);
  if (!shown) return undefined;
  const { certificate, error } = shown;
  const [from, to] = [new Date(certificate.valid_from), new Date(certificate.valid_to)];
  const times = `it is valid from ${from.toISOString()} to ${to.toISOString()}, this VM's clock says ${
    new Date(now).toISOString()
  }`;
  const name = `Certificate '${certificate.subject?.CN ?? "without a name"}'`;
  if (now < from.getTime()) return `${name} is not valid yet: ${times}`;
  if (now > to.getTime()) return `${name} has ended: ${times}`;
  if (!error) return undefined;
  const usages: readonly string[] = (certificate as { ext_key_usage?: string[] }).ext_key_usage ?? [];
  const role = usages.length > 0 && !usages.includes("1.3.6.1.5.5.7.3.1") ? ", and not for servers" : "";
  return `${name} is not that of this VM's node (${error}${role}): ${times}`;
}

interface Shown {
  readonly certificate: DetailedPeerCertificate;
  readonly error: string | undefined;
}

async function shownCertificate(
  { host, port }: NodeAddress,
  authorities: readonly string[],
): Promise<Shown | undefined> {
  const { connect } = await import("node:tls");
  const { isIP } = await import("node:net");
  const { promise, resolve } = Promise.withResolvers<Shown | undefined>();
  const name = isIP(host) ? {} : { servername: host };
  const socket: TLSSocket = connect({ host, port, ...name, ca: [...authorities], rejectUnauthorized: false });
  const timer = setTimeout(() => socket.destroy(), TIMEOUT_MS);
  socket.on("secureConnect", () => {
    const certificate = socket.getPeerCertificate(true);
    const error = socket.authorized ? undefined : String(socket.authorizationError);
    resolve(certificate?.raw ? { certificate, error } : undefined);
    socket.destroy();
  });
  socket.on("error", () => resolve(undefined));
  socket.on("close", () => resolve(undefined));
  return await promise.finally(() => clearTimeout(timer));
}
