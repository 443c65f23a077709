// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import fc from "fast-check";
import { logPath } from "./log_path.ts";

const path = (logDirectory: string, path: string) => logPath({ logDirectory }, { logPath: path });

Deno.test("logPath() joins directory and path", () => {
  assert.equal(path("/var/log/pods/ns_p_1", "c/0.log"), "/var/log/pods/ns_p_1/c/0.log");
  assert.equal(path("/var/log/pods/x/", "0.log"), "/var/log/pods/x/0.log");
  assert.equal(path("/a", "..b/c..log"), "/a/..b/c..log");
});

Deno.test("logPath() answers nothing where there is to be no log", () => {
  assert.equal(path("", "0.log"), undefined);
  assert.equal(path("/var/log", ""), undefined);
});

for (const bad of ["..", "../x", "a/../../x", "/etc/passwd", "a/..", "a/", ".", "a\0b"]) {
  Deno.test(`logPath() refuses the path ${JSON.stringify(bad)}`, () => {
    assert.throws(() => path("/var/log", bad), { name: "InvalidArgumentError" });
  });
}

Deno.test("logPath() refuses a relative directory", () => {
  assert.throws(() => path("var/log", "0.log"), /'var\/log'/);
});

Deno.test("logPath() never leads out of the directory", () => {
  const segment = fc.oneof(fc.constantFrom("..", ".", "", "a"), fc.string({ maxLength: 3 }));
  fc.assert(fc.property(fc.array(segment, { maxLength: 6 }), (segments) => {
    try {
      const found = path("/logs/pod", segments.join("/"));
      if (found !== undefined) assert.ok(found.startsWith("/logs/pod/"), found);
    } catch (error) {
      assert.equal((error as Error).name, "InvalidArgumentError");
    }
  }));
});
