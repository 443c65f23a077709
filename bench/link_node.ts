// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * The node's side of `bench/link.ts`, in a process of its own. Reads certificates as one line of JSON from stdin, prints
 * its URL, and serves until stdin ends.
 */
import { Router, Session } from "../protocol/link/session.ts";
import { Echo } from "../protocol/link/testing/echo_service.ts";
import { startLinkServer } from "../tests/link/link_server.ts";

/** What a frame can carry as one message of this service: 64 KiB less the frame's and the message's own bytes. */
export const CHUNK_BYTES = 65_500;

/** Answers small calls at once, sends and takes bulk data. */
export function benchRouter(): Router {
  const chunk = { value: new Uint8Array(CHUNK_BYTES).fill(7) };
  return new Router().service(Echo, {
    say: (request) => request,
    download: async function* ({ value }) {
      for (let i = 0; i < value; i++) yield await Promise.resolve(chunk);
    },
    upload: async (requests) => {
      let count = 0;
      for await (const { value } of requests) count += value.length === CHUNK_BYTES ? 1 : 0;
      return { value: count };
    },
  });
}

if (import.meta.main) {
  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) text += (await lines.read()).value ?? "\n";
  const router = benchRouter();
  const server = await startLinkServer(JSON.parse(text), (transport) => {
    new Session(transport, { role: "listener", router });
  });
  await Deno.stdout.write(new TextEncoder().encode(`${server.url}\n`));
  while (!(await lines.read()).done);
  Deno.exit(0);
}
