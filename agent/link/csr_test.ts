// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { createCsr } from "./csr.ts";
import { readElements } from "./der.ts";
import { generateKey, importKeyPair } from "./key.ts";

const VM = "0123456789abcdef0123456789abcdef";

Deno.test("createCsr() writes both halves of a signature as positive, shortest integers", async () => {
  const keys = await importKeyPair(await generateKey());
  // A half begins with a high bit every other time and with a zero byte once in 256: both come up.
  for (let count = 0; count < 400; count++) {
    const [request] = readElements(await createCsr(keys, VM));
    const [, , bits] = readElements(request!.content);
    const [signature] = readElements(bits!.content.subarray(1));
    for (const { content: [first, second] } of readElements(signature!.content)) {
      assert.ok(first! < 0x80, "is negative");
      assert.ok(first! > 0 || second! >= 0x80, "is not the shortest");
    }
  }
});

Deno.test("importKeyPair() gives the key back that was made, and refuses what is none", async () => {
  const pem = await generateKey();
  const { privateKey, publicKey } = await importKeyPair(pem);
  const algorithm = { name: "ECDSA", hash: "SHA-256" };
  const signature = await crypto.subtle.sign(algorithm, privateKey, new Uint8Array(3));
  assert.ok(await crypto.subtle.verify(algorithm, publicKey, signature, new Uint8Array(3)));
  await assert.rejects(importKeyPair("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
});
