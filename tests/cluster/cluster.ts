// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { join } from "node:path";

const HERE = import.meta.dirname!;

export interface ClusterOptions {
  /** Folder with the binaries that build.sh made. */
  readonly bin: string;
  /** Folder for everything the cluster writes. Its basename names the cgroup. */
  readonly work: string;
  readonly socket: string;
  /** The CRI runtime's command line, run inside the namespaces. */
  readonly runtime: readonly string[];
}

/** The outcome of a command that was allowed to fail. */
export interface Outcome {
  readonly success: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(command: string, args: readonly string[], stdin?: string): Promise<Outcome> {
  const child = new Deno.Command(command, {
    args: [...args],
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (stdin !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(stdin));
    await writer.close();
  }
  const { success, stdout, stderr } = await child.output();
  const text = new TextDecoder();
  return { success, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

async function must(command: string, args: readonly string[], stdin?: string): Promise<string> {
  const { success, stdout, stderr } = await run(command, args, stdin);
  if (!success) throw new Error(`Cannot run ${command} ${args.join(" ")}: ${stderr || stdout}`);
  return stdout;
}

/** A running one-node cluster. Disposing of it ends every process in it. */
export class Cluster implements AsyncDisposable {
  readonly options: ClusterOptions;

  private constructor(options: ClusterOptions) {
    this.options = options;
  }

  /** Returns when the node is Ready. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const { bin, work, socket, runtime } = options;
    await must(join(HERE, "up.sh"), ["--bin", bin, "--work", work, "--socket", socket, "--", ...runtime]);
    return new Cluster(options);
  }

  /** kubectl, which must succeed. */
  kubectl(args: readonly string[], stdin?: string): Promise<string> {
    return must(...this.#kubectl(args), stdin);
  }

  tryKubectl(args: readonly string[]): Promise<Outcome> {
    return run(...this.#kubectl(args));
  }

  #kubectl(args: readonly string[]): [string, string[]] {
    const { bin, work } = this.options;
    return [join(bin, "kubectl"), ["--kubeconfig", join(work, "kubeconfig"), ...args]];
  }

  apply(manifest: unknown): Promise<string> {
    return this.kubectl(["create", "-f", "-"], JSON.stringify(manifest));
  }

  /** Waits by watching the API, for at most `seconds`. `condition` is what `kubectl wait --for` takes. */
  waitFor(object: string, condition: string, seconds: number): Promise<string> {
    return this.kubectl(["wait", object, `--for=${condition}`, `--timeout=${seconds}s`]);
  }

  async pod(name: string): Promise<PodStatus> {
    return (JSON.parse(await this.kubectl(["get", "pod", name, "-o", "json"])) as { status: PodStatus })
      .status;
  }

  /** A command inside the cluster's namespaces. */
  inside(...command: string[]): Promise<string> {
    return must(join(HERE, "in.sh"), [this.options.work, ...command]);
  }

  tryInside(...command: string[]): Promise<Outcome> {
    return run(join(HERE, "in.sh"), [this.options.work, ...command]);
  }

  /** Ends one of the cluster's processes by a signal and starts it again; returns when the old one is gone. */
  async restart(name: "runtime" | "kubelet", signal: "TERM" | "KILL"): Promise<void> {
    await must(join(HERE, "restart.sh"), [this.options.work, name, signal]);
  }

  log(name: string): Promise<string> {
    return Deno.readTextFile(join(this.options.work, "log", `${name}.log`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await must(join(HERE, "down.sh"), [this.options.work]);
  }
}

export interface PodStatus {
  readonly phase: string;
  readonly podIP?: string;
  readonly containerStatuses?: readonly {
    readonly name: string;
    readonly ready: boolean;
    readonly restartCount: number;
    readonly containerID: string;
    readonly imageID: string;
    readonly state: {
      readonly running?: { readonly startedAt: string };
      readonly waiting?: { readonly reason: string };
      readonly terminated?: { readonly exitCode: number; readonly reason: string; readonly message?: string };
    };
    readonly lastState?: { readonly terminated?: { readonly exitCode: number; readonly message?: string } };
  }[];
}
