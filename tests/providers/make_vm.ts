// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * Makes a VM as a node would, for tests that kill a node. Arguments: the provider's directory; the VM's id; what to do:
 * `create` and wait to be killed, or `delete` what exists and end; the socket of a test for its stand-in agent, or none.
 */
import { systemClock } from "../../lib/clock.ts";
import { openProcessProvider } from "../../providers/process/mod.ts";
import { IDLE_AGENT } from "./process_world.ts";
import { STAND_IN_AGENT } from "./stand_in_listener.ts";

const [directory = "", vmId = "", act = "", socket = ""] = Deno.args;
const identity = { cluster: "suite", node: "node-1" };
const provider = await openProcessProvider(
  { kind: "process", addresses: "127.64.0.0/10", agentCommand: [...socket ? STAND_IN_AGENT : IDLE_AGENT] },
  { name: "process", ...identity, directory, unsafe: true, clock: systemClock },
);
const { signal } = new AbortController();
if (act === "delete") {
  await provider.delete(vmId, signal);
} else {
  const tags = { ...identity, vmId, sandboxId: "", createdAt: 0 };
  const userData = JSON.stringify({ socket });
  const size = { cpus: 1, memoryBytes: 1, image: "", cgroupParent: "" };
  await provider.create({ vmId, token: "token", tags, userData, ...size }, signal);
  await Deno.stdout.write(new TextEncoder().encode("made\n"));
  await Deno.stdin.read(new Uint8Array(1));
}
