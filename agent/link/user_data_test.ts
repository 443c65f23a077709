// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { InvalidArgumentError } from "../../lib/errors.ts";
import { encodeUserData } from "../../protocol/user_data.ts";
import type { UserData } from "../../protocol/user_data.ts";
import { readUserData } from "./user_data.ts";

const GOOD: UserData = {
  version: 1,
  vmId: "0123456789abcdef0123456789abcdef",
  joinToken: "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0",
  caCertificate: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
  nodes: ["10.0.0.1:7443", "[2001:db8::1]:7443", "node.example:7443"],
};

async function read(text: string): Promise<UserData> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, text);
    return await readUserData(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("readUserData() reads what the node wrote, with and without a token", async () => {
  assert.deepEqual(await read(encodeUserData(GOOD)), GOOD);
  const { joinToken: _, ...local } = GOOD;
  assert.deepEqual(await read(encodeUserData(local)), local);
});

Deno.test("readUserData() tells every problem at once, with its place, and never what was there", async () => {
  const secret = "this-is-a-secret-with spaces";
  const wrong = {
    ...GOOD,
    version: 2,
    vmId: "x",
    joinToken: secret,
    caCertificate: 5,
    nodes: ["nowhere"],
    more: 1,
  };
  await assert.rejects(read(JSON.stringify(wrong)), (error: unknown) => {
    assert.ok(error instanceof InvalidArgumentError);
    for (const place of ["version: ", "vmId: ", "joinToken: ", "caCertificate: ", "nodes.0: ", "more: "]) {
      assert.ok(error.message.includes(place), `${place} in ${error.message}`);
    }
    assert.ok(!Deno.inspect(error).includes(secret));
    return true;
  });
});

Deno.test("readUserData() of a file that is missing, or no JSON, says so without quoting it", async () => {
  await assert.rejects(
    readUserData("/nonexistent/user-data"),
    /'\/nonexistent\/user-data' cannot be read: No such file/,
  );
  await assert.rejects(read('{"joinToken":"secret'), (error: unknown) => {
    assert.match((error as Error).message, /it is no JSON/);
    assert.ok(!Deno.inspect(error).includes("secret"));
    return true;
  });
  await assert.rejects(read("[]"), /is wrong/);
  await assert.rejects(read(JSON.stringify({ ...GOOD, nodes: [] })), /nodes: Must name at least one/);
});
