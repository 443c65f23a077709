// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { fileSystemAt, findFileSystem } from "./mount_table.ts";

const TABLE = `22 28 0:20 / /proc rw,nosuid - proc proc rw
28 1 253:0 / / rw,relatime - ext4 /dev/vda rw
40 28 0:35 / /var/lib/kubelet/pods/u/volumes/kubernetes.io~nfs/share rw shared:7 master:1 - nfs4 server:/export rw,vers=4.2
41 28 253:16 / /var/lib/kubelet/pods/u/volumes/kubernetes.io~csi/disk/mount rw - ext4 /dev/vdb rw
42 28 0:40 / /mnt/with\\040space rw - tmpfs tmpfs rw
43 28 0:41 / /mnt/with\\040space rw - nfs other:/later rw
44 28 0:42 / /mnt/a rw - tmpfs tmpfs rw
`;

Deno.test("findFileSystem() finds the innermost mount that holds the path", () => {
  assert.equal(findFileSystem(TABLE, "/etc/hosts")?.source, "/dev/vda");
  const share = "/var/lib/kubelet/pods/u/volumes/kubernetes.io~nfs/share";
  assert.deepEqual(findFileSystem(TABLE, `${share}/sub`), {
    type: "nfs4",
    source: "server:/export",
    mountPoint: share,
    isMountPoint: false,
  });
  assert.equal(findFileSystem(TABLE, share)?.isMountPoint, true);
});

Deno.test("findFileSystem() does not take a name that begins alike for a folder", () => {
  assert.equal(findFileSystem(TABLE, "/mnt/ab")?.mountPoint, "/");
});

Deno.test("findFileSystem() reads escaped names and prefers the later of two mounts at one place", () => {
  assert.equal(findFileSystem(TABLE, "/mnt/with space/x")?.type, "nfs");
});

Deno.test("findFileSystem() answers nothing for a table that is none", () => {
  assert.equal(findFileSystem("", "/"), undefined);
  assert.equal(findFileSystem("x y\nz - \n", "/"), undefined);
});

Deno.test({
  name: "fileSystemAt() reads this machine's table",
  ignore: Deno.build.os !== "linux",
  async fn() {
    assert.equal((await fileSystemAt("/proc/self/status", new AbortController().signal))?.type, "proc");
  },
});
