// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * The gate for every other version of Deno. From 2.9.4 to at least 2.9.8 the process aborts, where no code of ours can
 * catch it, when an HTTP/2 peer closes after some hundred streams or connections (denoland/deno#36788); and every
 * version leaks some memory with each closed connection. 2.9.6 fails here, 2.9.2 passes.
 */

import assert from "node:assert/strict";
import { Child } from "./child.ts";

const CONNECTIONS = 2000;
/** Resident memory that one closed connection may cost the server. Measured with 2.9.2: 56,000 to 57,000 bytes. */
const BYTES_PER_CONNECTION = 75_000;

/** Runs `test` with a server process at a socket of its own. */
async function withServer(test: (socket: string, server: Child) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await using server = new Child("server", `${folder}/s`);
    assert.equal(await server.said(), "listening");
    await test(`${folder}/s`, server);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A client process that closes each of its connections after so many calls. Returns the server's resident memory. */
async function runClient(socket: string, connections: number, calls: number): Promise<number> {
  await using client = new Child("client", socket, String(connections), String(calls));
  const rss = Number(await client.said());
  await client.ended();
  assert.ok(rss > 0, "The client has told no resident memory");
  return rss;
}

Deno.test("Deno lives on when a peer closes after more than 100 calls on a connection", async () => {
  await withServer(async (socket, server) => {
    await runClient(socket, 1, 101);
    await runClient(socket, 10, 250);
    await runClient(socket, 1, 1);
    await server.stop();
  });
});

Deno.test("Deno lives on when the server closes after more than 100 calls on a connection", async () => {
  await withServer(async (socket, server) => {
    await using client = new Child("client", socket, "1", "250", "stay");
    assert.equal(await client.said(), "called");
    await server.stop();
    await client.goOn();
    await client.ended();
  });
});

Deno.test("Deno lives on after 2,000 short connections and has not grown by more than 75 kB for each", async () => {
  await withServer(async (socket, server) => {
    const before = await runClient(socket, 100, 1);
    const after = await runClient(socket, CONNECTIONS, 1);
    const each = Math.round((after - before) / CONNECTIONS);
    assert.ok(each < BYTES_PER_CONNECTION, `Each connection has cost ${each} bytes`);
    await server.stop();
  });
});
