// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { UnsupportedError } from "../../../lib/errors.ts";
import { MountSource } from "../../../protocol/gen/agent_pb.ts";
import {
  ContainerConfigSchema,
  type LinuxContainerSecurityContextSchema,
  NamespaceMode,
  PodSandboxConfigSchema,
  SecurityProfile_ProfileType,
} from "../../../protocol/gen/cri_pb.ts";
import { checkMounts } from "./mounts.ts";
import { notEnforced, refuseUnsupported } from "./refusals.ts";

type Config = MessageInitShape<typeof ContainerConfigSchema>;
type Context = MessageInitShape<typeof LinuxContainerSecurityContextSchema>;
type Sandbox = MessageInitShape<typeof PodSandboxConfigSchema>;

const USER = { uid: 1000, gid: 1000 };
const { NODE, CONTAINER, POD, TARGET } = NamespaceMode;
const { Localhost, Unconfined, RuntimeDefault } = SecurityProfile_ProfileType;
const secure = (securityContext: Context): Config => ({ linux: { securityContext } });

function refuse(config: Config, sandbox: Sandbox = {}): void {
  refuseUnsupported(create(ContainerConfigSchema, config), create(PodSandboxConfigSchema, sandbox), USER);
}

/** As a kubelet 1.36 sends it for an ordinary pod with limits. */
const ORDINARY: Config = {
  linux: {
    resources: {
      cpuPeriod: 100_000n,
      cpuShares: 2n,
      cpuQuota: 20_000n,
      memoryLimitInBytes: 134_217_728n,
      oomScoreAdj: 998n,
      hugepageLimits: [{ pageSize: "2MB" }, { pageSize: "1GB" }],
      unified: { "memory.oom.group": "1" },
    },
    securityContext: {
      namespaceOptions: { pid: CONTAINER, usernsOptions: { mode: NODE } },
      runAsUser: {},
      maskedPaths: ["/proc/kcore"],
      readonlyPaths: ["/proc/bus"],
      seccomp: { profileType: Unconfined },
      supplementalGroups: [2000n],
    },
  },
};

Deno.test("refuseUnsupported() accepts what a kubelet sends for an ordinary pod", () => {
  const sandbox = { linux: { securityContext: { namespaceOptions: { pid: CONTAINER }, seccomp: {} } } };
  refuse(ORDINARY, sandbox);
  refuse(secure({ runAsUser: { value: 1000n }, runAsGroup: { value: 1000n } }));
  refuse(secure({ namespaceOptions: { pid: POD }, seccomp: { profileType: RuntimeDefault } }));
  refuse(secure({ apparmor: { profileType: RuntimeDefault }, apparmorProfile: "runtime/default" }));
});

const REFUSED: readonly [field: string, config: Config, sandbox?: Sandbox][] = [
  ["stdin", { stdin: true }],
  ["stdin", { stdinOnce: true }],
  ["tty", { tty: true }],
  ["devices", { devices: [{ hostPath: "/dev/kvm" }] }],
  ["devices", { CDIDevices: [{ name: "vendor.com/gpu=0" }] }],
  ["windows", { windows: {} }],
  ["hugepage_limits", { linux: { resources: { hugepageLimits: [{ pageSize: "2MB", limit: 2_097_152n }] } } }],
  ["sysctls", {}, { linux: { sysctls: { "kernel.shm_rmid_forced": "1" } } }],
  ["privileged", {}, { linux: { securityContext: { privileged: true } } }],
  ["privileged", secure({ privileged: true })],
  ["add_capabilities", secure({ capabilities: { addCapabilities: ["NET_ADMIN"] } })],
  ["drop_capabilities", secure({ capabilities: { dropCapabilities: ["ALL"] } })],
  ["no_new_privs", secure({ noNewPrivs: true })],
  ["readonly_rootfs", secure({ readonlyRootfs: true })],
  ["selinux_options", secure({ selinuxOptions: { level: "s0" } })],
  ["seccomp", secure({ seccomp: { profileType: Localhost, localhostRef: "p.json" } })],
  ["seccomp", secure({ seccompProfilePath: "localhost/p.json" })],
  ["apparmor", secure({ apparmor: { profileType: Localhost, localhostRef: "p" } })],
  ["namespace_options.network", secure({ namespaceOptions: { network: NODE } })],
  ["namespace_options.pid", secure({ namespaceOptions: { pid: NODE } })],
  ["namespace_options.pid", secure({ namespaceOptions: { pid: TARGET, targetId: "c2" } })],
  ["namespace_options.ipc", secure({ namespaceOptions: { ipc: NODE } })],
  ["userns_options", secure({ namespaceOptions: { usernsOptions: { mode: POD } } })],
  ["run_as_user 7", secure({ runAsUser: { value: 7n } })],
  ["run_as_group 7", secure({ runAsUser: { value: 1000n }, runAsGroup: { value: 7n } })],
  ['run_as_username "www-data"', secure({ runAsUsername: "www-data" })],
];

for (const [field, config, sandbox] of REFUSED) {
  Deno.test(`refuseUnsupported() refuses ${field} (${JSON.stringify(config, withoutBigints)})`, () => {
    assert.throws(() => refuse(config, sandbox), (error) => {
      assert(error instanceof UnsupportedError);
      assert(error.message.includes(field), error.message);
      return true;
    });
  });
}

Deno.test("notEnforced() tells in words what an ordinary pod does not get", () => {
  assert.deepEqual(notEnforced(create(ContainerConfigSchema, ORDINARY), USER), [
    "separate file system and process namespace",
    "masked and read-only paths",
    "supplemental groups",
    "run_as_user 0",
    "CPU and memory limits",
    "CPU shares and oom_score_adj",
    "cgroup v2 settings",
  ]);
  assert.deepEqual(notEnforced(create(ContainerConfigSchema, {}), USER), [
    "separate file system and process namespace",
  ]);
});

Deno.test("checkMounts() accepts the kubelet's own mounts and answers what is not presented", () => {
  const mount = (containerPath: string, source: MountSource) => ({ containerPath, source, readOnly: false });
  const paths = checkMounts([
    mount("/etc/hosts", MountSource.HOSTS_FILE),
    mount("/dev/termination-log", MountSource.TERMINATION_LOG),
    mount("/var/run/secrets/kubernetes.io/serviceaccount", MountSource.SERVICE_ACCOUNT_TOKEN),
  ]);
  assert.deepEqual(paths, ["/etc/hosts", "/var/run/secrets/kubernetes.io/serviceaccount"]);
});

Deno.test("checkMounts() refuses every other mount, naming it", () => {
  const own: MountSource[] = [
    MountSource.HOSTS_FILE,
    MountSource.TERMINATION_LOG,
    MountSource.SERVICE_ACCOUNT_TOKEN,
  ];
  const sources = Object.values(MountSource).filter((source) => typeof source === "number");
  for (const source of sources.filter((source) => !own.includes(source))) {
    assert.throws(() => checkMounts([{ containerPath: "/data", source, readOnly: true }]), (error) => {
      assert(error instanceof UnsupportedError);
      assert.match(error.message, /^Engine exec cannot mount \/data: it is an? /);
      return true;
    });
  }
});

function withoutBigints(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? Number(value) : value;
}
