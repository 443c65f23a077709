// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { UnavailableError } from "../../lib/errors.ts";
import { listenOnKeptPort } from "./link_port.ts";

function memorySettings() {
  const values = new Map<string, string>();
  return {
    values,
    get: (key: string) => values.get(key),
    set: (key: string, value: string) => void values.set(key, value),
  };
}

/** Numbers as Math.random gives them, from a list. */
function sequence(...numbers: number[]): () => number {
  return () => numbers.shift() ?? 0.999;
}

function refusing(...taken: number[]): (port: number) => Promise<number> {
  return (port) =>
    taken.includes(port) ? Promise.reject(new UnavailableError(`${port} is taken`)) : Promise.resolve(port);
}

Deno.test("listenOnKeptPort() takes a free port at first and the same one ever after", async () => {
  const settings = memorySettings();
  assert.equal(await listenOnKeptPort(settings, sequence(0, 0.5), refusing(20_000)), 26_000);
  assert.equal(settings.values.get("link_port"), "26000");
  assert.equal(await listenOnKeptPort(settings, sequence(0.1), refusing()), 26_000);
});

Deno.test("listenOnKeptPort() takes no other port when the kept one is taken: agents know that one", async () => {
  const settings = memorySettings();
  await listenOnKeptPort(settings, sequence(0.5), refusing());
  await assert.rejects(listenOnKeptPort(settings, sequence(0.1), refusing(26_000)), /26000 is taken/);
});

Deno.test("listenOnKeptPort() gives up when no port can be had, and at once for any other reason", async () => {
  const settings = memorySettings();
  let tries = 0;
  const never = () => Promise.reject(new UnavailableError(`Taken ${++tries}`));
  await assert.rejects(listenOnKeptPort(settings, Math.random, never), UnavailableError);
  assert.equal(tries, 50);
  const broken = () => Promise.reject(new TypeError("Broken"));
  await assert.rejects(listenOnKeptPort(settings, Math.random, broken), /^TypeError: Broken/);
  assert.equal(settings.values.size, 0);
});
