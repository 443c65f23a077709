// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { MountSource } from "../../protocol/gen/agent_pb.ts";
import { ContainerConfigSchema, MountPropagation, type MountSchema } from "../../protocol/gen/cri_pb.ts";
import { classifyMounts, TERMINATION_PATH_ANNOTATION } from "./classify.ts";

const signal = new AbortController().signal;

/** A pod's directory as the kubelet makes it. */
class PodDirectory implements Disposable {
  readonly path = join(Deno.makeTempDirSync(), "pods", "7d1f");

  make(path: string): string {
    Deno.mkdirSync(join(this.path, path), { recursive: true });
    return join(this.path, path);
  }

  file(path: string): string {
    this.make(join(path, ".."));
    Deno.writeTextFileSync(join(this.path, path), "");
    return join(this.path, path);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(join(this.path, "..", ".."), { recursive: true });
  }
}

async function classify(
  mount: MessageInitShape<typeof MountSchema>,
  annotations: Record<string, string> = {},
) {
  const config = create(ContainerConfigSchema, {
    mounts: [{ containerPath: "/data", ...mount }],
    annotations,
  });
  return (await classifyMounts(config, signal))[0]!;
}

Deno.test("classifyMounts() knows the kubelet's own mounts", async () => {
  using pod = new PodDirectory();
  const hosts = pod.file("etc-hosts");
  const last = pod.file("containers/app/1a2b");
  const token = pod.make("volumes/kubernetes.io~projected/kube-api-access-x");
  const annotations = { [TERMINATION_PATH_ANNOTATION]: "/dev/termination-log" };
  const of = async (containerPath: string, hostPath: string) =>
    (await classify({ containerPath, hostPath }, annotations)).source;
  assert.equal(await of("/etc/hosts", hosts), MountSource.HOSTS_FILE);
  assert.equal(await of("/dev/termination-log", last), MountSource.TERMINATION_LOG);
  assert.equal(
    await of("/var/run/secrets/kubernetes.io/serviceaccount", token),
    MountSource.SERVICE_ACCOUNT_TOKEN,
  );
  assert.equal(await of("/etc/hosts", last), MountSource.HOST_PATH);
});

for (
  const [plugin, source] of [
    ["secret", MountSource.SYNCED],
    ["configmap", MountSource.SYNCED],
    ["downward-api", MountSource.SYNCED],
    ["projected", MountSource.SYNCED],
    ["empty-dir", MountSource.EMPTY_DIR],
    ["host-path", MountSource.HOST_PATH],
  ] as const
) {
  Deno.test(`classifyMounts() knows a volume of plugin ${plugin} and a subPath of it`, async () => {
    using pod = new PodDirectory();
    const volume = pod.make(`volumes/kubernetes.io~${plugin}/v1`);
    assert.equal((await classify({ hostPath: volume })).source, source);
    const below = pod.make(`volumes/kubernetes.io~${plugin}/v1/below`);
    assert.equal((await classify({ hostPath: below })).source, source);
    const subPath = pod.make("volume-subpaths/v1/app/0");
    assert.equal((await classify({ hostPath: subPath })).source, source);
  });
}

Deno.test("classifyMounts() calls everything else a host path and keeps readonly", async () => {
  const mount = await classify({ hostPath: "/usr", readonly: true });
  assert.deepEqual(mount, { containerPath: "/data", readOnly: true, source: MountSource.HOST_PATH });
});

Deno.test("classifyMounts() follows a symbolic link", async () => {
  using pod = new PodDirectory();
  await Deno.symlink(pod.make("target"), join(pod.path, "link"));
  assert.equal((await classify({ hostPath: join(pod.path, "link") })).source, MountSource.HOST_PATH);
  await Deno.symlink(join(pod.path, "nowhere"), join(pod.path, "dangling"));
  await assert.rejects(classify({ hostPath: join(pod.path, "dangling") }), {
    name: "FailedPreconditionError",
  });
});

Deno.test("classifyMounts() names the host path that does not exist", async () => {
  await assert.rejects(classify({ hostPath: "/does/not/exist" }), /'\/data'.*'\/does\/not\/exist'/);
});

for (
  const [name, mount, error] of [
    ["a relative path in the container", { containerPath: "data", hostPath: "/usr" }, "InvalidArgumentError"],
    ["a relative host path", { hostPath: "usr" }, "InvalidArgumentError"],
    ["no host path", {}, "InvalidArgumentError"],
    ["a host path with NUL", { hostPath: "/usr\0" }, "InvalidArgumentError"],
    ["a path in the container with NUL", { containerPath: "/a\0", hostPath: "/usr" }, "InvalidArgumentError"],
    ["a host path below a file", { hostPath: "/etc/passwd/x" }, "FailedPreconditionError"],
    [
      "recursive read-only without read-only",
      { hostPath: "/usr", recursiveReadOnly: true },
      "InvalidArgumentError",
    ],
    ["recursive read-only that is shared", {
      hostPath: "/usr",
      recursiveReadOnly: true,
      readonly: true,
      propagation: MountPropagation.PROPAGATION_HOST_TO_CONTAINER,
    }, "InvalidArgumentError"],
    ["bidirectional propagation", {
      hostPath: "/usr",
      propagation: MountPropagation.PROPAGATION_BIDIRECTIONAL,
    }, "UnsupportedError"],
  ] as const
) {
  Deno.test(`classifyMounts() refuses ${name}`, async () => {
    await assert.rejects(classify(mount), { name: error });
  });
}

Deno.test("classifyMounts() refuses with the prefixes that the kubelet knows", async () => {
  await assert.rejects(
    classify({ image: { image: "data:v1" } }),
    /^UnsupportedError: ImageVolumeMountFailed: /,
  );
  await assert.rejects(
    classify({ hostPath: "/usr", readonly: true, recursiveReadOnly: true }),
    /^UnsupportedError: RROUnsupported: /,
  );
});

Deno.test("classifyMounts() does not wait for a host path longer than it may", async () => {
  await assert.rejects(
    classifyMounts(
      create(ContainerConfigSchema, { mounts: [{ containerPath: "/d", hostPath: "/usr" }] }),
      AbortSignal.abort(),
    ),
    { name: "AbortError" },
  );
});
