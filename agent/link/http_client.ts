// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

export interface ClientCredentials {
  /** Whom the node's certificate may be from, PEM. */
  readonly authorities: readonly string[];
  /** This VM's, PEM. */
  readonly certificate: string;
  readonly key: string;
}

/** What else Deno would trust. It reads them once, for the first client of the process (cli/lib/args.rs of 2.9.2). */
const ROOT_STORES = ["DENO_TLS_CA_STORE", "DENO_CERT", "NODE_EXTRA_CA_CERTS"] as const;

/**
 * An HTTP client that trusts the node's authority and nobody else.
 *
 * Deno *adds* `caCerts` to the public authorities that it knows, so that whoever gets one of those to certify the node's
 * host name could play the node. Its store of roots is therefore emptied while the client is made.
 */
export function createNodeClient({ authorities, certificate, key }: ClientCredentials): Deno.HttpClient {
  const saved = ROOT_STORES.map((name) => [name, Deno.env.get(name)] as const);
  for (const name of ROOT_STORES) Deno.env.delete(name);
  Deno.env.set("DENO_TLS_CA_STORE", "");
  try {
    return Deno.createHttpClient({ caCerts: [...authorities], cert: certificate, key });
  } finally {
    for (const [name, value] of saved) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
}
