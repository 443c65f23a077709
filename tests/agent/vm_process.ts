// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { systemClock } from "../../lib/clock.ts";
import { encodeUserData, type UserData } from "../../protocol/user_data.ts";
import { LinuxOs } from "../../agent/os/linux.ts";
import type { AgentLink } from "../../cri/agent_link.ts";
import { TestNode, type TestNodeOptions } from "../trust/test_node.ts";

const MAIN = new URL("../../agent/main.ts", import.meta.url).pathname;

/** vmserver as a process of its own, linked to a node's end in this process. */
export class VmProcess implements AsyncDisposable {
  readonly node: TestNode;
  readonly directory: string;
  readonly userData: UserData;
  #child: Deno.ChildProcess | undefined;
  readonly #containers = new Set<string>();

  private constructor(node: TestNode, directory: string, userData: UserData) {
    this.node = node;
    this.directory = directory;
    this.userData = userData;
  }

  /** A VM that has been asked for; its agent is not started yet. */
  static async create(options: TestNodeOptions = {}): Promise<VmProcess> {
    const node = await TestNode.start(options);
    const directory = await Deno.makeTempDir();
    const userData = node.addVm();
    await Deno.writeTextFile(`${directory}/user-data.json`, encodeUserData(userData));
    return new VmProcess(node, directory, userData);
  }

  get pid(): number {
    return this.#child!.pid;
  }

  get state(): string {
    return `${this.directory}/agent`;
  }

  /** Starts the agent and answers its link. */
  async start(): Promise<AgentLink> {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--quiet", MAIN, "run"],
        ...[
          "--state",
          this.state,
          "--user-data",
          `${this.directory}/user-data.json`,
          "--log-level",
          "warning",
        ],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).spawn();
    const before = this.node.registry.get(this.userData.vmId);
    await before?.closed;
    return await this.node.registry.waitFor(this.userData.vmId, AbortSignal.timeout(20_000));
  }

  /** Container ids whose processes are to be looked for at the end. */
  expect(...ids: string[]): void {
    for (const id of ids) this.#containers.add(id);
  }

  async signal(signal: Deno.Signal): Promise<Deno.CommandStatus> {
    this.#child!.kill(signal);
    return await this.ended();
  }

  /** How the agent's process ended. */
  async ended(): Promise<Deno.CommandStatus> {
    const status = await this.#child!.status;
    this.#child = undefined;
    return status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child) await this.signal("SIGKILL");
    const os = new LinuxOs();
    for (const id of this.#containers) await os.killAll({ marker: `INFRANETES_CONTAINER_ID=${id}` });
    await this.node[Symbol.asyncDispose]();
    await systemClock.sleep(0);
    await Deno.remove(this.directory, { recursive: true });
  }
}
