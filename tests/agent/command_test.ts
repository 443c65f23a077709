// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { encodeUserData } from "../../protocol/user_data.ts";
import { processesOf } from "./calls.ts";
import { configureRequest, SANDBOX_ID, shell } from "./requests.ts";
import { VmProcess } from "./vm_process.ts";

const MAIN = new URL("../../agent/main.ts", import.meta.url).pathname;

/** Runs vmserver to its end. */
async function vmserver(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", MAIN, ...args],
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

Deno.test("vmserver says what it is and how it is used", async () => {
  const help = await vmserver("--help");
  assert.deepEqual([help.code, help.stderr], [0, ""]);
  assert.match(help.stdout, /^Usage: vmserver .*\n/);
  assert.match((await vmserver("version")).stdout, /^\d+\.\d+\.\d+\n$/);
  const wrong = await vmserver("--stat", "/x");
  assert.deepEqual(wrong, {
    code: 64,
    stdout: "",
    stderr: 'vmserver: Argument "--stat" is unknown: see vmserver --help\n',
  });
});

Deno.test("vmserver refuses user data that it cannot use, and does not tell its secret", async () => {
  const directory = await Deno.makeTempDir();
  const file = `${directory}/user-data.json`;
  const flags = ["--state", `${directory}/state`, "--user-data", file];
  const missing = await vmserver(...flags);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /fatal main: Agent ends: User data in '.*' cannot be read/);
  const joinToken = "s3cret".repeat(6);
  await Deno.writeTextFile(
    file,
    encodeUserData({ version: 1, vmId: "no", joinToken, caCertificate: "", nodes: [] }),
  );
  const wrong = await vmserver(...flags);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /vmId: Must be 32 lower-case hex digits/);
  assert(!wrong.stderr.includes(joinToken));
  await Deno.remove(directory, { recursive: true });
});

Deno.test("vmserver refuses to work where another one does", async () => {
  await using vm = await VmProcess.create();
  await vm.start();
  const second = await vmserver("--state", vm.state, "--user-data", `${vm.directory}/user-data.json`);
  assert.equal(second.code, 1);
  assert.match(second.stderr, /Another vmserver works in .*\/agent: end it or choose another directory/);
});

Deno.test("vmserver ends its VM when its node has been silent for longer than it allowed", async () => {
  await using vm = await VmProcess.create({ registry: { orphanTimeoutMs: 50 } });
  vm.expect("orphan1");
  const link = await vm.start();
  await link.sandbox.configure(configureRequest(SANDBOX_ID));
  await link.containers.create(shell("orphan1", "while :; do sleep 0.05; done"));
  await link.containers.start({ containerId: "orphan1" });
  await vm.node.stop();
  assert.equal((await vm.ended()).code, 0);
  assert.deepEqual(await processesOf("orphan1"), []);
});
