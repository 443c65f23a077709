// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { untilAborted } from "../../lib/deadline.ts";
import { FailedPreconditionError, InvalidArgumentError, UnsupportedError } from "../../lib/errors.ts";
import { MountSource } from "../../protocol/gen/agent_pb.ts";
import { type ContainerConfig, type Mount, MountPropagation } from "../../protocol/gen/cri_pb.ts";
import { fileSystemAt } from "./mount_table.ts";

/** A mount as the agent is told of it: what it holds, and nothing of where that is on this node. */
export interface ClassifiedMount {
  readonly containerPath: string;
  readonly source: MountSource;
  readonly readOnly: boolean;
}

/** Where the kubelet says at which path a container leaves its last words. */
export const TERMINATION_PATH_ANNOTATION = "io.kubernetes.container.terminationMessagePath";
const SERVICE_ACCOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Directory of a volume below the kubelet's: `…/pods/<uid>/volumes/<plugin>/<name>`, `/` in the plugin's name as `~`. */
const VOLUME_REGEXP = /^(?<pod>.*\/pods\/[^/]+)\/volumes\/(?<plugin>[^/]+)\/[^/]+(?:\/|$)/;
/** A subPath of a volume is a mount of its own: `…/volume-subpaths/<volume>/<container>/<n>`. */
const SUBPATH_REGEXP = /^(?<pod>.*\/pods\/[^/]+)\/volume-subpaths\/(?<volume>[^/]+)\//;

const SYNCED_PLUGINS = new Set(
  ["secret", "configmap", "downward-api", "projected"].map((name) => `kubernetes.io~${name}`),
);
/** The last part of a path does not exist, or one before it is no folder. */
const ABSENT_CODES: ReadonlySet<unknown> = new Set(["ENOENT", "ENOTDIR"]);
const NFS_TYPES = new Set(["nfs", "nfs4"]);

/**
 * Finds out once what each mount of a container holds, from what is at its path on this node.
 *
 * @throws {InvalidArgumentError} for a mount that contradicts itself
 * @throws {UnsupportedError} for what cannot be done into a VM
 * @throws {FailedPreconditionError} if its host path does not exist
 */
export function classifyMounts(config: ContainerConfig, signal: AbortSignal): Promise<ClassifiedMount[]> {
  return Promise.all(config.mounts.map(async (mount) => {
    checkMount(mount);
    return {
      containerPath: mount.containerPath,
      readOnly: mount.readonly,
      source: await sourceOf(mount, config, signal),
    };
  }));
}

function checkMount(
  { containerPath, hostPath, image, readonly, recursiveReadOnly, propagation }: Mount,
): void {
  const where = `Mount at '${containerPath}'`;
  if (!containerPath.startsWith("/")) throw new InvalidArgumentError(`${where} must have an absolute path`);
  if (image?.image) {
    // The kubelet knows this prefix.
    throw new UnsupportedError(
      `ImageVolumeMountFailed: ${where} is of image '${image.image}': not supported`,
    );
  }
  if (!hostPath.startsWith("/")) {
    throw new InvalidArgumentError(`${where} must have an absolute host path, not '${hostPath}'`);
  }
  if (containerPath.includes("\0") || hostPath.includes("\0")) {
    throw new InvalidArgumentError(`${where} has a path with NUL`);
  }
  if (recursiveReadOnly) {
    if (!readonly) throw new InvalidArgumentError(`${where} is recursive_read_only and must be readonly too`);
    if (propagation !== MountPropagation.PROPAGATION_PRIVATE) {
      throw new InvalidArgumentError(`${where} is recursive_read_only and must have private propagation`);
    }
    // So does this one: the handler says that it has not this feature.
    throw new UnsupportedError(`RROUnsupported: ${where} is recursive_read_only: not supported`);
  }
  if (propagation === MountPropagation.PROPAGATION_BIDIRECTIONAL) {
    throw new UnsupportedError(
      `${where} has bidirectional propagation: what a VM mounts cannot appear on its node`,
    );
  }
}

async function sourceOf(mount: Mount, config: ContainerConfig, signal: AbortSignal): Promise<MountSource> {
  const { hostPath, containerPath } = mount;
  const info = await statHostPath(mount, signal);
  if (containerPath === "/etc/hosts" && basename(hostPath) === "etc-hosts") return MountSource.HOSTS_FILE;
  if (containerPath === config.annotations[TERMINATION_PATH_ANNOTATION]) return MountSource.TERMINATION_LOG;
  if (containerPath === SERVICE_ACCOUNT_PATH) return MountSource.SERVICE_ACCOUNT_TOKEN;
  if (info.isBlockDevice()) return MountSource.BLOCK;
  const plugin = await pluginOf(hostPath, signal);
  if (plugin !== undefined && SYNCED_PLUGINS.has(plugin)) return MountSource.SYNCED;
  if (plugin === "kubernetes.io~empty-dir") return MountSource.EMPTY_DIR;
  const fileSystem = await fileSystemAt(hostPath, signal);
  if (fileSystem && NFS_TYPES.has(fileSystem.type)) return MountSource.NFS;
  // A volume that a driver has mounted from a disk.
  if (plugin !== undefined && fileSystem?.source.startsWith("/dev/") && fileSystem.isMountPoint) {
    return MountSource.BLOCK;
  }
  return MountSource.HOST_PATH;
}

async function statHostPath({ hostPath, containerPath }: Mount, signal: AbortSignal) {
  try {
    // A network file system whose server is gone does not answer.
    return await untilAborted(stat(hostPath), signal);
  } catch (cause) {
    if (!ABSENT_CODES.has((cause as { code?: unknown }).code)) throw cause;
    throw new FailedPreconditionError(
      `Mount at '${containerPath}' has the host path '${hostPath}', which does not exist on the node`,
      { cause },
    );
  }
}

/** The volume plugin that made the host path, as the kubelet writes it in its directories. */
async function pluginOf(hostPath: string, signal: AbortSignal): Promise<string | undefined> {
  const volume = VOLUME_REGEXP.exec(hostPath)?.groups;
  if (volume) return volume.plugin;
  const { pod, volume: name } = SUBPATH_REGEXP.exec(hostPath)?.groups ?? {};
  if (pod === undefined || name === undefined) return undefined;
  for (const plugin of await namesIn(join(pod, "volumes"), signal)) {
    if ((await namesIn(join(pod, "volumes", plugin), signal)).includes(name)) return plugin;
  }
  return undefined;
}

async function namesIn(folder: string, signal: AbortSignal): Promise<string[]> {
  try {
    return await untilAborted(Array.fromAsync(Deno.readDir(folder), (entry) => entry.name), signal);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
