// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { join } from "node:path";
import { GrpcClient } from "../../protocol/grpc/mod.ts";
import { RuntimeService } from "../../protocol/gen/cri_pb.ts";
import { nodeConfig, type TestNode } from "../node_config.ts";
import { NodeProcess } from "../node_process.ts";
import { infranetes } from "./infranetes.ts";

async function withNode(
  use: (node: TestNode) => Promise<void>,
  extra: Record<string, unknown> = {},
): Promise<void> {
  const work = await Deno.makeTempDir({ prefix: "infranetes-serve-" });
  try {
    await use(await nodeConfig(work, extra));
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

Deno.test("serve gives its sockets their permissions and its state to nobody else", () =>
  withNode(async (node) => {
    await using _process = await NodeProcess.start(node);
    const modeOf = async (path: string) => ((await Deno.stat(path)).mode! & 0o777).toString(8);
    assert.equal(await modeOf(node.socket), "660");
    assert.equal(await modeOf(node.clientSocket), "660");
    for (const file of ["facts.sqlite", "lock"]) assert.equal(await modeOf(join(node.stateDir, file)), "600");
  }));

Deno.test("serve refuses a state directory that another process has, and names that process", () =>
  withNode(async (node) => {
    await using process = await NodeProcess.start(node);
    const second = await infranetes(["serve", "--config", node.file, "--socket", `${node.work}/other.sock`]);
    assert.equal(second.code, 1);
    assert.match(second.stderr, new RegExp(`in use by process ${process.pid}: stop it first`));
    assert.equal(await exists(`${node.work}/other.sock`), false);
    using client = new GrpcClient(`unix:${node.socket}`);
    assert.equal((await client.service(RuntimeService).version({})).version, "0.1.0");
  }));

Deno.test("serve refuses a socket at which another process answers, and leaves it alone", () =>
  withNode(async (node) => {
    await using _process = await NodeProcess.start(node);
    const second = await infranetes(["serve", "--config", node.file, "--state-dir", `${node.work}/other`]);
    assert.equal(second.code, 1);
    assert.match(second.stderr, /Cannot listen at .*cri\.sock: another process answers there/);
    using client = new GrpcClient(`unix:${node.socket}`);
    assert.equal((await client.service(RuntimeService).version({})).version, "0.1.0");
  }));

Deno.test("serve starts again over the sockets of a killed process, with the same link port", () =>
  withNode(async (node) => {
    const portOf = async (process: NodeProcess) => (await process.logged(/linkPort=(\d+)/))[1];
    const first = await NodeProcess.start(node);
    const port = await portOf(first);
    await first.end("SIGKILL");
    assert.equal(await exists(node.socket), true);
    await using second = await NodeProcess.start(node);
    assert.equal(await portOf(second), port);
    assert.equal((await second.end("SIGTERM")).code, 0);
  }));

Deno.test("serve ends in order at SIGTERM: code 0, no sockets left, the lock free", () =>
  withNode(async (node) => {
    const first = await NodeProcess.start(node);
    assert.equal((await first.end("SIGTERM")).code, 0);
    assert.equal(await exists(node.socket), false);
    assert.equal(await exists(node.clientSocket), false);
    await using second = await NodeProcess.start(node);
    assert.equal((await second.end("SIGTERM")).code, 0);
  }));

Deno.test("serve says what is wrong with its configuration and ends with code 2", () =>
  withNode(async (node) => {
    const { code, stderr } = await infranetes(["serve", "--config", node.file]);
    assert.equal(code, 2);
    assert.match(stderr, /node\.yaml:\d+:\d+: colour: Unknown key/);
    assert.match(stderr, /node\.yaml:\d+:\d+: log\.level: Must be one of "debug", "info"/);
    assert.equal(await exists(node.socket), false);
  }, { colour: "red", log: { level: "loud" } }));

Deno.test("config check finds what serve would, by file, environment and flag", () =>
  withNode(async (node) => {
    const good = await infranetes(["config", "check", node.file]);
    assert.deepEqual([good.code, good.stdout, good.stderr], [0, `${node.file}: no problems\n`, ""]);
    const env = { INFRANETES_LINK_PORT: "high" };
    const bad = await infranetes(["config", "check", node.file, "--log-format", "xml", "-o", "json"], env);
    assert.equal(bad.code, 2);
    const { problems } = JSON.parse(bad.stdout);
    assert.deepEqual(problems.map(({ path, origin }: { path: string; origin: string }) => [path, origin]), [
      ["link.port", "environment INFRANETES_LINK_PORT"],
      ["log.format", "flag --log-format"],
    ]);
  }));

Deno.test("serve writes its log as JSON lines if it is told to", () =>
  withNode(async (node) => {
    await using process = await NodeProcess.start(node);
    await process.end("SIGTERM");
    const lines = (await process.log()).trim().split("\n").map((line) => JSON.parse(line));
    assert(lines.some(({ message, level, socket }) =>
      message === "Node process serves" && level === "info" && socket === node.socket
    ));
  }, { log: { format: "json" } }));
