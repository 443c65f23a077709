// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { UnsupportedError } from "../../../lib/errors.ts";
import {
  type ContainerConfig,
  type LinuxContainerSecurityContext,
  NamespaceMode,
  type PodSandboxConfig,
  SecurityProfile_ProfileType,
} from "../../../protocol/gen/cri_pb.ts";

/** Runs as which the agent does, and so each of its containers. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Refuses what a person asked for and engine `exec` cannot do: a plain child process has no isolation to configure.
 * What the kubelet sends with every pod is not refused but told once ({@linkcode notEnforced}).
 *
 * @throws {UnsupportedError} naming the first such field
 */
export function refuseUnsupported(
  config: ContainerConfig,
  sandbox: PodSandboxConfig,
  user: User | undefined,
): void {
  const context = config.linux?.securityContext;
  refuseAll([
    ["stdin", config.stdin || config.stdinOnce],
    ["tty", config.tty],
    ["devices", config.devices.length > 0 || config.CDIDevices.length > 0],
    ["windows", config.windows !== undefined],
    [
      "linux.resources.hugepage_limits",
      config.linux?.resources?.hugepageLimits.some(({ limit }) => limit > 0n),
    ],
    ["sandbox config's linux.sysctls", Object.keys(sandbox.linux?.sysctls ?? {}).length > 0],
    ["sandbox config's linux.security_context.privileged", sandbox.linux?.securityContext?.privileged],
  ]);
  if (context) refuseSecurity(context, user);
}

function refuseSecurity(context: LinuxContainerSecurityContext, user: User | undefined): void {
  const { capabilities, namespaceOptions, seccomp, apparmor } = context;
  const localhost = SecurityProfile_ProfileType.Localhost;
  const field = (name: string) => `linux.security_context.${name}`;
  refuseAll([
    [field("privileged"), context.privileged],
    [field("capabilities.add_capabilities"), capabilities && capabilities.addCapabilities.length > 0],
    [
      field("capabilities.add_ambient_capabilities"),
      capabilities && capabilities.addAmbientCapabilities.length > 0,
    ],
    [field("capabilities.drop_capabilities"), capabilities && capabilities.dropCapabilities.length > 0],
    [field("no_new_privs"), context.noNewPrivs],
    [field("readonly_rootfs"), context.readonlyRootfs],
    [field("selinux_options"), context.selinuxOptions !== undefined],
    [
      field("seccomp"),
      seccomp?.profileType === localhost || context.seccompProfilePath.startsWith("localhost/"),
    ],
    [
      field("apparmor"),
      apparmor?.profileType === localhost || context.apparmorProfile.startsWith("localhost/"),
    ],
    [field("namespace_options.network"), namespaceOptions?.network === NamespaceMode.NODE],
    [field("namespace_options.ipc"), namespaceOptions?.ipc === NamespaceMode.NODE],
    [
      field("namespace_options.pid"),
      namespaceOptions?.pid === NamespaceMode.NODE || namespaceOptions?.pid === NamespaceMode.TARGET,
    ],
    [field("namespace_options.userns_options"), namespaceOptions?.usernsOptions?.mode === NamespaceMode.POD],
  ]);
  refuseUser(context, user);
}

/**
 * The kubelet sends `run_as_user: 0` for every image that names no user: it is not told from a person's wish, and a
 * container that gets fewer rights than root is no danger to anybody.
 */
function refuseUser(
  { runAsUser, runAsGroup, runAsUsername }: LinuxContainerSecurityContext,
  user?: User,
): void {
  if (runAsUsername !== "") throw unsupported(`linux.security_context.run_as_username "${runAsUsername}"`);
  const uid = Number(runAsUser?.value ?? 0n);
  if (uid !== 0 && uid !== user?.uid) {
    throw unsupported(
      `linux.security_context.run_as_user ${uid}: containers run as user ${user?.uid}, as the agent does`,
    );
  }
  const gid = Number(runAsGroup?.value ?? 0n);
  if (gid !== 0 && gid !== user?.gid) {
    throw unsupported(
      `linux.security_context.run_as_group ${gid}: containers run as group ${user?.gid}, as the agent does`,
    );
  }
}

/** What is sent with an ordinary pod and has no effect here, in words. Empty if there is nothing to tell. */
export function notEnforced(config: ContainerConfig, user: User | undefined): string[] {
  const context = config.linux?.securityContext;
  const resources = config.linux?.resources;
  const runtimeDefault = SecurityProfile_ProfileType.RuntimeDefault;
  const limited = resources && (resources.cpuQuota > 0n || resources.memoryLimitInBytes > 0n);
  const facts: readonly [name: string, given: boolean | undefined][] = [
    ["separate file system and process namespace", true],
    ["masked and read-only paths", context && context.maskedPaths.length + context.readonlyPaths.length > 0],
    ["seccomp profile RuntimeDefault", context?.seccomp?.profileType === runtimeDefault],
    ["AppArmor profile RuntimeDefault", context?.apparmor?.profileType === runtimeDefault],
    ["supplemental groups", context && context.supplementalGroups.length > 0],
    ["run_as_user 0", context?.runAsUser?.value === 0n && user?.uid !== 0],
    ["CPU and memory limits", limited],
    ["CPU shares and oom_score_adj", resources && (resources.cpuShares > 0n || resources.oomScoreAdj !== 0n)],
    ["cpusets", resources && resources.cpusetCpus + resources.cpusetMems !== ""],
    ["cgroup v2 settings", resources && Object.keys(resources.unified).length > 0],
  ];
  return facts.filter(([, given]) => given).map(([name]) => name);
}

function refuseAll(fields: readonly [name: string, given: boolean | undefined][]): void {
  for (const [name, given] of fields) if (given) throw unsupported(name);
}

function unsupported(field: string): UnsupportedError {
  return new UnsupportedError(`Engine exec does not support ${field}`);
}
