// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { createCsr } from "./csr.ts";
import { readElements } from "./der.ts";
import { generateKey, importKeyPair } from "./key.ts";
import { encodePem } from "./pem.ts";

const VM = "0123456789abcdef0123456789abcdef";

async function openssl(args: string[], input: string): Promise<string> {
  const child = new Deno.Command("openssl", { args, stdin: "piped", stdout: "piped", stderr: "piped" })
    .spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.equal(code, 0, text);
  return text;
}

Deno.test("createCsr() makes a request that openssl verifies and reads back", async () => {
  const csr = await createCsr(await importKeyPair(await generateKey()), VM);
  const text = await openssl(["req", "-verify", "-noout", "-text"], encodePem("CERTIFICATE REQUEST", csr));
  assert.match(text, /verify OK/);
  assert.match(text, new RegExp(`Subject: CN = ${VM}`));
  assert.match(text, /prime256v1/);
  assert.match(text, /Signature Algorithm: ecdsa-with-SHA256/);
});

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
