// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import { RuntimeService } from "../../protocol/gen/cri_pb.ts";
import { GrpcClient } from "../../protocol/grpc/mod.ts";
import { serveCri } from "./cri_server.ts";

async function withServer(use: (path: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "infranetes-cri-" });
  try {
    const path = `${directory}/cri.sock`;
    await using _server = await serveCri({
      socket: { path, mode: 0o600, group: "" },
      clock: systemClock,
      graceMs: 1000,
      runtime: { version: () => ({ version: "0.1.0", runtimeName: "test" }) },
      image: {},
    });
    await use(path);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("serveCri() answers on its socket", () =>
  withServer(async (path) => {
    using client = new GrpcClient(`unix:${path}`);
    assert.equal((await client.service(RuntimeService).version({})).runtimeName, "test");
  }));

// A pod's process that had the listening socket could answer the kubelet, and would keep the next node process out.
Deno.test("serveCri() gives no process that is started afterwards a socket of its own", {
  ignore: Deno.build.os !== "linux",
}, () =>
  withServer(async (path) => {
    using client = new GrpcClient(`unix:${path}`);
    await client.service(RuntimeService).version({});
    const before = new Set(await socketsOf("self"));
    const child = new Deno.Command("sleep", { args: ["60"], stdin: "null", stdout: "null", stderr: "null" })
      .spawn();
    try {
      const inherited = (await socketsOf(String(child.pid))).filter((socket) => before.has(socket));
      assert.deepEqual(inherited, []);
    } finally {
      child.kill("SIGKILL");
      await child.status;
    }
  }));

async function socketsOf(pid: string): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(`/proc/${pid}/fd`), ({ name }) => name);
  const links = await Promise.all(
    names.map((name) => Deno.readLink(`/proc/${pid}/fd/${name}`).catch(() => "")),
  );
  return links.filter((link) => link.startsWith("socket:"));
}
