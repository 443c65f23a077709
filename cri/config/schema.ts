// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * The node's configuration as one strict schema: what is not in it is refused. Defaults and descriptions live here and
 * nowhere else; `docs/config.schema.json` is made from it. Sizes and durations are written as Kubernetes writes them and
 * become bytes and milliseconds.
 * @module
 */
import * as z from "zod";
import { providerConfigSchema } from "../../providers/mod.ts";
import { DURATION_REGEXP, parseDuration } from "./duration.ts";
import { parseQuantity, QUANTITY_REGEXP } from "./quantity.ts";

/** `sun_path` holds 108 bytes with the terminating zero (Linux, unix(7)). */
const SOCKET_PATH_MAX = 107;

/** Text of one form. The message says the form, also where something else than text was given. */
function pattern(form: RegExp, message: string) {
  return z.string(message).regex(form, message);
}

function duration(text: string, description: string) {
  return pattern(DURATION_REGEXP, "Must be a duration such as 90s, 5m or 1h30m").default(text)
    .transform((value) => parseDuration(value) ?? NaN).describe(description);
}

const absolutePath = pattern(/^\//, "Must be an absolute path");

const socketPath = absolutePath.refine(
  (path) => new TextEncoder().encode(path).length <= SOCKET_PATH_MAX,
  `Must be at most ${SOCKET_PATH_MAX} bytes, the limit for a unix socket`,
);

function socket(path: string, who: string) {
  return z.strictObject({
    path: socketPath.default(path).describe(`Unix socket on which ${who}`),
    mode: pattern(/^0[0-7]{3}$/, 'Must be four octal digits in quotes, such as "0660"').default("0660")
      .transform((mode) => parseInt(mode, 8)).describe("Permissions of the socket"),
    group: z.string().default("").describe(
      "Group that owns the socket, by name or number. Empty: that of the process",
    ),
  }).prefault({});
}

/** Names that become tags of VMs, directories and RuntimeClass handlers: DNS labels. */
const label = pattern(
  /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
  "Must be 1 to 63 lower-case letters, digits or '-', beginning and ending with a letter or digit",
);

const size = z.strictObject({
  cpus: z.number().positive().max(1024).describe("Virtual CPUs"),
  memory: pattern(QUANTITY_REGEXP, "Must be a quantity such as 512Mi or 2Gi").describe("Memory"),
}).transform(({ cpus, memory }) => ({ cpus, memoryBytes: Math.round(parseQuantity(memory) ?? NaN) }));

const profile = z.strictObject({
  provider: z.string().describe("Name of an entry of `providers`"),
  image: z.string().default("").describe(
    "VM image by the name its provider knows it by. Empty: the provider's own",
  ),
  engine: z.literal("exec").default("exec").describe("What runs the containers in the VM"),
  sizes: z.array(size).min(1).default([{ cpus: 1, memoryBytes: 512 * 2 ** 20 }])
    .describe("Sizes a VM may have, smallest first. A pod gets the first that holds its requests"),
});

const link = z.strictObject({
  host: z.string().default("0.0.0.0").describe("Address on which the node listens for its VMs"),
  port: z.int().min(0).max(65535).default(7443)
    .describe(
      "Port on which the node listens for its VMs. 0: a free one is chosen at the first start and kept",
    ),
  addresses: z.array(pattern(/^(\[[0-9a-fA-F:.]+\]|[^\s:\[\]]+)(:\d{1,5})?$/, "Must be host or host:port"))
    .default([])
    .describe(
      "Addresses at which VMs reach the node, in the order in which to try them. Empty: those of the host",
    ),
  limits: z.strictObject({
    unknownPeers: z.int().min(16).default(512)
      .describe("Connections at a time of peers that are not known to be agents yet"),
    unknownPeersPerAddress: z.int().min(1).default(256)
      .describe("The same from one address. Many VMs may be behind one"),
    failuresPerSecond: z.int().min(1).default(50)
      .describe(
        "Connections a second from one address that may come to nothing before it is refused for a while",
      ),
    linksPerSecond: z.int().min(1).default(20).describe("Links that one VM may open a second"),
  }).prefault({}),
}).prefault({});

const timeouts = z.strictObject({
  run: duration("220s", "For one start of a pod, all in all. The kubelet gives up after 240 s"),
  call: duration("30s", "For one call to an agent that has no deadline of its own"),
  undo: duration("60s", "For taking back what a failed start has made"),
  heartbeat: duration("10s", "How often an agent is to be heard"),
  lostAfter: duration(
    "5m",
    "Silence after which a VM is deleted and its pod declared lost, unless the provider knows earlier",
  ),
  orphan: duration("0s", "Silence of the node after which an agent powers its VM off. 0s: never"),
  shutdown: duration("10s", "For calls in flight when the node process is asked to end"),
}).prefault({});

const garbage = z.strictObject({
  interval: duration("1m", "How often VMs without a record and records without a VM are looked for"),
  minimumAge: duration("5m", "Age before which a VM without a record is left alone"),
}).prefault({});

const logs = z.strictObject({
  directory: z.union([z.literal(""), absolutePath]).default("")
    .describe("Where logs of stand-alone pods go. Empty: `logs` in the state directory"),
}).prefault({});

const log = z.strictObject({
  level: z.enum(["debug", "info", "warning", "error"]).default("info").describe(
    "Least level that is written",
  ),
  format: z.enum(["text", "json"]).default("text").describe("`json`: one object a line"),
}).prefault({});

export const configSchema = z.strictObject({
  socket: socket("/run/infranetes/infranetes.sock", "the kubelet calls (CRI)"),
  stateDir: absolutePath.default("/var/lib/infranetes").describe("Directory of the node's state"),
  cluster: label.default("default").describe(
    "Name of the cluster. Together with `node` it marks the VMs that are ours",
  ),
  node: z.union([z.literal(""), label]).default("").describe("Name of this node. Empty: the host's name"),
  unsafe: z.boolean().default(false)
    .describe("Allows what is for development only: pods without a VM (`kind: process`), fault points"),
  link,
  client: z.strictObject({
    socket: socket("/run/infranetes/client.sock", "`infranetes pod …` calls"),
  }).prefault({}),
  providers: z.record(label, providerConfigSchema).describe(
    "What makes VMs, by a name of your choice",
  ),
  profiles: z.record(label, profile).describe("How pods become VMs, by RuntimeClass handler"),
  defaultProfile: z.string().describe("Entry of `profiles` for pods without a RuntimeClass"),
  timeouts,
  garbage,
  logs,
  cgroupDriver: z.enum(["systemd", "cgroupfs"]).default("systemd").describe(
    "As in the kubelet's configuration",
  ),
  log,
});

/** The configuration as the node uses it: everything present, durations in milliseconds, sizes in bytes. */
export type NodeConfig = z.output<typeof configSchema>;

/** How pods of one RuntimeClass handler become VMs. */
export type Profile = NodeConfig["profiles"][string];
