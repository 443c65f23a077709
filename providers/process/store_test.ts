// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { VmStore } from "./store.ts";

Deno.test("VmStore whose caller has gone survives a file system that then refuses the lock", async () => {
  const directory = await Deno.makeTempDir();
  const { lock } = Deno.FsFile.prototype;
  const caller = new AbortController();
  const asked = Promise.withResolvers<void>();
  const refused = Promise.withResolvers<void>();
  // As NFS without a lock service does, late.
  Deno.FsFile.prototype.lock = () => {
    asked.resolve();
    return refused.promise;
  };
  try {
    const opening = VmStore.open(directory, { first: 0x7f000000, count: 16 }, caller.signal);
    await asked.promise;
    caller.abort(new Error("The caller has gone"));
    await assert.rejects(opening, /The caller has gone/);
    refused.reject(new Error("No locks available (os error 37)"));
    // An unhandled rejection would end the test here.
    await setImmediate();
  } finally {
    Deno.FsFile.prototype.lock = lock;
    await Deno.remove(directory, { recursive: true });
  }
});
