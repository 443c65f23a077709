// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { CONTAINER_FLAG, NAMESPACE_FLAG, OUTPUT_FLAG, SOCKET_FLAG } from "./client_flags.ts";
import type { Command, CommandGroup, Flag } from "./command.ts";

const CONFIG_FLAG: Flag = {
  name: "config",
  value: "FILE",
  description: "Configuration file (INFRANETES_CONFIG; default /etc/infranetes/config.yaml)",
};

const OVERRIDE_FLAGS: readonly Flag[] = [
  { name: "socket", value: "PATH", description: "CRI socket, over `socket.path` of the file" },
  {
    name: "client-socket",
    value: "PATH",
    description: "Socket for `infranetes pod …`, over `client.socket.path`",
  },
  { name: "state-dir", value: "DIR", description: "Directory of the node's state, over `stateDir`" },
  { name: "cluster", value: "NAME", description: "Name of the cluster, over `cluster`" },
  { name: "node", value: "NAME", description: "Name of this node, over `node`" },
  { name: "log-level", value: "LEVEL", description: "debug, info, warning or error, over `log.level`" },
  { name: "log-format", value: "FORMAT", description: "text or json, over `log.format`" },
];

const serve: Command = {
  name: "serve",
  summary: "run the node process",
  description:
    "Answers the kubelet (CRI v1) and `infranetes pod …`, each on a unix socket, until SIGTERM or Ctrl-C.\n" +
    "Pods live on when it ends and are taken up again when it starts.",
  usage: "[--config FILE] [flags]",
  flags: [CONFIG_FLAG, ...OVERRIDE_FLAGS],
  positionals: [0, 0],
  examples: [
    "infranetes serve --config /etc/infranetes/config.yaml",
    "infranetes serve --config node.yaml --log-level debug",
  ],
  load: async () => (await import("./serve_command.ts")).serve,
};

const config: CommandGroup = {
  name: "config",
  summary: "check and describe the configuration",
  examples: ["infranetes config check node.yaml", "infranetes config schema > config.schema.json"],
  commands: [
    {
      name: "check",
      summary: "say everything that is wrong with a configuration file",
      description: "Flags and INFRANETES_… variables count as they do for `serve`.",
      usage: "[FILE]",
      flags: [...OVERRIDE_FLAGS, OUTPUT_FLAG],
      positionals: [0, 1],
      examples: ["infranetes config check", "infranetes config check node.yaml -o json"],
      load: async () => (await import("./config_check_command.ts")).configCheck,
    },
    {
      name: "schema",
      summary: "print the JSON Schema of the configuration file",
      usage: "",
      flags: [],
      positionals: [0, 0],
      examples: ["infranetes config schema > config.schema.json"],
      load: async () => (await import("./config_schema_command.ts")).configSchemaCommand,
    },
  ],
};

const pod: CommandGroup = {
  name: "pod",
  summary: "run pods without Kubernetes",
  description:
    "Talks to the node process on this host. The pods are the node's own: a kubelet does not see them.",
  examples: [
    "infranetes pod run -f pod.yaml",
    "infranetes pod logs -f hello",
    "infranetes pod exec hello -- uname -a",
    "infranetes pod rm hello",
  ],
  commands: [
    {
      name: "run",
      summary: "run a pod from a Kubernetes manifest",
      description:
        "Waits until its containers run. What the manifest asks for and cannot be had yet is refused.",
      usage: "-f FILE [flags]",
      flags: [
        {
          name: "file",
          short: "f",
          value: "FILE",
          description: "Manifest, YAML or JSON; - for standard input",
        },
        NAMESPACE_FLAG,
        { name: "detach", short: "d", description: "Do not wait until the containers run" },
        OUTPUT_FLAG,
        SOCKET_FLAG,
      ],
      positionals: [0, 0],
      examples: ["infranetes pod run -f pod.yaml", "cat pod.yaml | infranetes pod run -f -"],
      load: async () => (await import("./pod_run_command.ts")).podRun,
    },
    {
      name: "ls",
      summary: "list pods",
      usage: "[flags]",
      flags: [
        { name: "namespace", short: "n", value: "NAME", description: "Only pods of this namespace" },
        OUTPUT_FLAG,
        SOCKET_FLAG,
      ],
      positionals: [0, 0],
      examples: ["infranetes pod ls", "infranetes pod ls -o json"],
      load: async () => (await import("./pod_ls_command.ts")).podLs,
    },
    {
      name: "logs",
      summary: "print what a container has written",
      usage: "NAME [flags]",
      flags: [
        { name: "follow", short: "f", description: "Go on until the container ends" },
        { name: "previous", short: "p", description: "Of the run before the last restart" },
        { name: "tail", value: "LINES", description: "Only the last lines" },
        { name: "timestamps", description: "Put the time before each line" },
        CONTAINER_FLAG,
        NAMESPACE_FLAG,
        SOCKET_FLAG,
      ],
      positionals: [1, 1],
      examples: ["infranetes pod logs hello", "infranetes pod logs hello -f --tail 10"],
      load: async () => (await import("./pod_logs_command.ts")).podLogs,
    },
    {
      name: "exec",
      summary: "run a command in a container",
      description: "Ends with the exit code of the command. Standard input is not passed on yet.",
      usage: "NAME [flags] -- COMMAND [ARGUMENT…]",
      flags: [CONTAINER_FLAG, NAMESPACE_FLAG, SOCKET_FLAG],
      positionals: [1, 1],
      takesRest: true,
      examples: [
        "infranetes pod exec hello -- uname -a",
        "infranetes pod exec hello -c web -- sh -c 'echo $HOME'",
      ],
      load: async () => (await import("./pod_exec_command.ts")).podExec,
    },
    {
      name: "inspect",
      summary: "show a pod: its VM, containers, warnings, and how long each phase of its start took",
      usage: "NAME [flags]",
      flags: [NAMESPACE_FLAG, OUTPUT_FLAG, SOCKET_FLAG],
      positionals: [1, 1],
      examples: ["infranetes pod inspect hello", "infranetes pod inspect hello -o json"],
      load: async () => (await import("./pod_inspect_command.ts")).podInspect,
    },
    {
      name: "rm",
      summary: "stop pods and remove them with their VMs and logs",
      usage: "NAME… [flags]",
      flags: [
        {
          name: "grace",
          value: "SECONDS",
          description: "Between the stop signal and the kill (default: as the manifest says)",
        },
        NAMESPACE_FLAG,
        SOCKET_FLAG,
      ],
      positionals: [1, 100],
      examples: ["infranetes pod rm hello", "infranetes pod rm hello other --grace 0"],
      load: async () => (await import("./pod_rm_command.ts")).podRm,
    },
  ],
};

const version: Command = {
  name: "version",
  summary: "print the versions of this program and of what it runs on",
  usage: "[flags]",
  flags: [OUTPUT_FLAG],
  positionals: [0, 0],
  examples: ["infranetes version"],
  load: async () => (await import("./version_command.ts")).version,
};

/** The whole command line as data. */
export const root: CommandGroup = {
  name: "infranetes",
  summary: "Kubernetes pods as virtual machines",
  commands: [serve, pod, config, version],
  examples: [
    "infranetes config check node.yaml",
    "infranetes serve --config node.yaml",
    "infranetes pod run -f pod.yaml",
  ],
};
