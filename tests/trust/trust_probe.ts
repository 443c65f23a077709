// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * Asks the server at the first argument with the agent's client, or with a plain one of Deno's for comparison, and prints
 * whether it was trusted. For `certificate_test.ts`, which sets the environment of this process.
 */
import { createNodeClient } from "../../agent/link/http_client.ts";

const [address, kind] = Deno.args;
const authority = Deno.env.get("AUTHORITY")!;
const credentials = { certificate: Deno.env.get("CERTIFICATE")!, key: Deno.env.get("KEY")! };
const client = kind === "agent"
  ? createNodeClient({ authorities: [authority], ...credentials })
  : Deno.createHttpClient({ caCerts: [authority] });
const print = (text: string) => Deno.stdout.writeSync(new TextEncoder().encode(text));
try {
  await (await fetch(`https://${address}/v1/check`, { client })).text();
  print("trusted");
} catch (error) {
  print(String((error as Error).cause));
}
client.close();
