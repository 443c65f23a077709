// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * Stands in for the agent in tests of the process provider. It says who it is on the unix socket that its user data names,
 * starts the daemons that the test wants, and does as it is told: a number on a line is the code to exit with.
 */
const [, , userDataPath, , state] = Deno.args;
const { socket, daemons, noise } = JSON.parse(await Deno.readTextFile(userDataPath!));
await Deno.mkdir(state!, { recursive: true });

/**
 * Daemons that hide: one outside of group and session; one with nothing of the VM in its environment; one outside of
 * everything, with an environment of its own in which only a path tells whose it is, as that of a container does.
 */
const DAEMONS: Readonly<Record<string, readonly string[]>> = {
  marked: ["setsid", "--fork", "sleep", "300"],
  bare: ["env", "-i", "sleep", "300"],
  container: ["env", "-i", `LOG=${state}/log`, "/usr/bin/setsid", "--fork", "/bin/sleep", "300"],
};
for (const name of daemons ?? []) {
  const [program, ...args] = DAEMONS[name]!;
  new Deno.Command(program!, { args, stdin: "null", stdout: "null", stderr: "null" }).spawn().unref();
}
for (let i = 0; i < (noise ?? 0); i++) {
  await Deno.stderr.write(new TextEncoder().encode(`noise ${i} ${"x".repeat(1000)}\n`));
}

const connection = await Deno.connect({ transport: "unix", path: socket });
const { vmId = Deno.env.get("INFRANETES_VM"), pid } = { pid: Deno.pid };
const environment = Object.keys(Deno.env.toObject()).sort();
await connection.write(new TextEncoder().encode(JSON.stringify({ vmId, pid, environment }) + "\n"));
const buffer = new Uint8Array(16);
const read = await connection.read(buffer);
Deno.exit(Number(new TextDecoder().decode(buffer.subarray(0, read ?? 0))));
