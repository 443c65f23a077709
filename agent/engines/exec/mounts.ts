// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { UnsupportedError } from "../../../lib/errors.ts";
import { MountSource } from "../../../protocol/gen/agent_pb.ts";
import type { MountSpec } from "../engine.ts";

/** In every pod by the kubelet's own doing: left out with a warning. */
const LEFT_OUT: ReadonlySet<MountSource> = new Set([
  MountSource.HOSTS_FILE,
  MountSource.SERVICE_ACCOUNT_TOKEN,
]);

const WORDS: Readonly<Record<MountSource, string>> = {
  [MountSource.UNSPECIFIED]: "a mount of unknown kind",
  [MountSource.HOSTS_FILE]: "the pod's hosts file",
  [MountSource.TERMINATION_LOG]: "the termination message file",
  [MountSource.SERVICE_ACCOUNT_TOKEN]: "the service account token",
  [MountSource.SYNCED]: "a secret, configMap, downwardAPI or projected volume",
  [MountSource.EMPTY_DIR]: "an emptyDir",
  [MountSource.NFS]: "an NFS volume",
  [MountSource.BLOCK]: "a block volume",
  [MountSource.HOST_PATH]: "a hostPath",
  [MountSource.IMAGE]: "an image volume",
};

/**
 * Container paths of mounts that are accepted and not presented: plain child processes see the VM's own file system.
 * The termination message file is presented elsewhere, at the path in `INFRANETES_TERMINATION_LOG`.
 *
 * @throws {UnsupportedError} for a mount that a person asked for, naming it
 */
export function checkMounts(mounts: readonly MountSpec[]): string[] {
  for (const { containerPath, source } of mounts) {
    if (source === MountSource.TERMINATION_LOG || LEFT_OUT.has(source)) continue;
    const what = WORDS[source] ?? `mount source ${source}`;
    throw new UnsupportedError(
      `Engine exec cannot mount ${containerPath}: it is ${what}, and containers have no file system of their own`,
    );
  }
  return mounts.filter(({ source }) => LEFT_OUT.has(source)).map(({ containerPath }) => containerPath);
}
