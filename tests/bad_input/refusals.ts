// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { join } from "node:path";
import { MountPropagation, NamespaceMode } from "../../protocol/gen/cri_pb.ts";
import { Code } from "../../protocol/status.ts";
import type { TestNode } from "../node_config.ts";
import { containerConfig, type Cri, sandboxConfig } from "./pod.ts";

/** A value that no message and no log may show. */
export const SECRET = "correct horse battery staple";

/** What calls are made on: a sandbox that is ready and one that is stopped, containers of the first. */
export interface Subjects {
  readonly cri: Cri;
  readonly node: TestNode;
  readonly ready: string;
  readonly stopped: string;
  readonly created: string;
  readonly running: string;
}

/** A call that is not to be done, and how it is to be answered. Code OK: what is gone already is no error. */
export type Refusal = readonly [
  name: string,
  call: (subjects: Subjects) => Promise<unknown>,
  code: Code,
  message?: RegExp,
];

const UNKNOWN = "f".repeat(64);
const { INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION, UNIMPLEMENTED } = Code;

type Sandbox = Parameters<typeof sandboxConfig>[2];
type Container = Parameters<typeof containerConfig>[1];

function run(patch: Sandbox, runtimeHandler = "") {
  return ({ cri, node }: Subjects) =>
    cri.runtime.runPodSandbox({ config: sandboxConfig(node, "refused", patch), runtimeHandler });
}

function create(patch: Container) {
  return ({ cri, ready: podSandboxId }: Subjects) =>
    cri.runtime.createContainer({ podSandboxId, config: containerConfig("refused", patch) });
}

function context(securityContext: object): Sandbox {
  return { linux: { securityContext } };
}

function mount(mount: object): Container {
  return { mounts: [{ containerPath: "/data", hostPath: "/usr", ...mount }] };
}

const METADATA = { name: "refused", namespace: "default", uid: "uid", attempt: 0 };

export const SANDBOX_REFUSALS: readonly Refusal[] = [
  ["RunPodSandbox without config", ({ cri }) => cri.runtime.runPodSandbox({}), INVALID_ARGUMENT, /'config'/],
  [
    "RunPodSandbox without metadata",
    ({ cri }) => cri.runtime.runPodSandbox({ config: { hostname: "x" } }),
    INVALID_ARGUMENT,
    /'config\.metadata'/,
  ],
  ["RunPodSandbox without name", run({ metadata: { ...METADATA, name: "" } }), INVALID_ARGUMENT, /\.name'/],
  [
    "RunPodSandbox without namespace",
    run({ metadata: { ...METADATA, namespace: "" } }),
    INVALID_ARGUMENT,
    /\.namespace'/,
  ],
  ["RunPodSandbox without uid", run({ metadata: { ...METADATA, uid: "" } }), INVALID_ARGUMENT, /\.uid'/],
  [
    "RunPodSandbox with hostNetwork",
    run(context({ namespaceOptions: { network: NamespaceMode.NODE } })),
    UNIMPLEMENTED,
    /Pod default\/refused asks for hostNetwork/,
  ],
  [
    "RunPodSandbox with hostPID",
    run(context({ namespaceOptions: { pid: NamespaceMode.NODE } })),
    UNIMPLEMENTED,
    /hostPID/,
  ],
  [
    "RunPodSandbox with hostIPC",
    run(context({ namespaceOptions: { ipc: NamespaceMode.NODE } })),
    UNIMPLEMENTED,
    /hostIPC/,
  ],
  [
    "RunPodSandbox with run_as_group alone",
    run(context({ runAsGroup: { value: 0n } })),
    INVALID_ARGUMENT,
    /run_as_group without run_as_user/,
  ],
  [
    "RunPodSandbox for an unknown runtime handler",
    run({}, "gvisor"),
    INVALID_ARGUMENT,
    /'gvisor' is not configured on this node: there are process/,
  ],
  [
    "RunPodSandbox for more memory than any size has",
    run({ linux: { resources: { memoryLimitInBytes: 2n ** 50n } } }),
    INVALID_ARGUMENT,
    /largest size of profile 'process'/,
  ],
  [
    "RunPodSandbox with a name that is taken",
    ({ cri, node }) =>
      cri.runtime.runPodSandbox({ config: sandboxConfig(node, "ready", { hostname: "other" }) }),
    ALREADY_EXISTS,
    /default\/ready.* exists with another configuration: [0-9a-f]{64}/,
  ],
  [
    "RunPodSandbox with the name of a stopped sandbox",
    ({ cri, node }) => cri.runtime.runPodSandbox({ config: sandboxConfig(node, "stopped") }),
    ALREADY_EXISTS,
    /is stopped: remove [0-9a-f]{64} or ask for a new attempt/,
  ],
  [
    "UpdateRuntimeConfig with a CIDR that is none",
    ({ cri }) =>
      cri.runtime.updateRuntimeConfig({ runtimeConfig: { networkConfig: { podCidr: "10.0.0.0/99" } } }),
    INVALID_ARGUMENT,
    /10\.0\.0\.0\/99/,
  ],
];

export const CONTAINER_REFUSALS: readonly Refusal[] = [
  [
    "CreateContainer without config",
    ({ cri, ready: podSandboxId }) => cri.runtime.createContainer({ podSandboxId }),
    INVALID_ARGUMENT,
    /'config'/,
  ],
  [
    "CreateContainer without metadata",
    create({ metadata: undefined }),
    INVALID_ARGUMENT,
    /'config\.metadata/,
  ],
  ["CreateContainer without an image", create({ image: undefined }), INVALID_ARGUMENT, /'config\.image/],
  [
    "CreateContainer of an unknown image",
    create({ image: { image: "nginx" } }),
    NOT_FOUND,
    /infranetes\.io\/exec/,
  ],
  [
    "CreateContainer in a stopped sandbox",
    ({ cri, stopped: podSandboxId }) =>
      cri.runtime.createContainer({ podSandboxId, config: containerConfig("refused") }),
    FAILED_PRECONDITION,
    /is stopped/,
  ],
  [
    "CreateContainer with a name that is taken",
    ({ cri, ready: podSandboxId }) =>
      cri.runtime.createContainer({
        podSandboxId,
        config: containerConfig("running", { command: ["sleep", "1"] }),
      }),
    ALREADY_EXISTS,
    /'running', attempt 0, exists with another configuration/,
  ],
  [
    "CreateContainer with a variable that is not UTF-8",
    create({
      envs: [{ key: "TOKEN_7", value: new Uint8Array([...new TextEncoder().encode(SECRET), 0xff]) }],
    }),
    INVALID_ARGUMENT,
    /'TOKEN_7' must be UTF-8/,
  ],
  [
    "CreateContainer with a variable with NUL",
    create({ envs: [{ key: "TOKEN_8", value: new TextEncoder().encode(`${SECRET}\0`) }] }),
    INVALID_ARGUMENT,
    /'TOKEN_8' must not contain NUL/,
  ],
  [
    "CreateContainer with a variable of ours",
    create({ envs: [{ key: "INFRANETES_CONTAINER_ID", value: new TextEncoder().encode(SECRET) }] }),
    INVALID_ARGUMENT,
    /INFRANETES_CONTAINER_ID/,
  ],
  [
    "CreateContainer with a log path that leads out",
    create({ logPath: "../../etc/x" }),
    INVALID_ARGUMENT,
    /\.\.\/\.\./,
  ],
  [
    "CreateContainer with an absolute log path",
    create({ logPath: "/etc/x" }),
    INVALID_ARGUMENT,
    /'\/etc\/x'/,
  ],
  [
    "CreateContainer with run_as_group alone",
    create(context({ runAsGroup: { value: 7n } }) as Container),
    INVALID_ARGUMENT,
    /run_as_group/,
  ],
  [
    "CreateContainer as another user",
    create(context({ runAsUser: { value: 4_000_000_000n } }) as Container),
    UNIMPLEMENTED,
    /run_as_user 4000000000/,
  ],
  [
    "CreateContainer that is privileged",
    create(context({ privileged: true }) as Container),
    UNIMPLEMENTED,
    /privileged/,
  ],
  ["CreateContainer with a terminal", create({ tty: true }), UNIMPLEMENTED, /tty/],
  [
    "CreateContainer without a command",
    create({ command: [] }),
    INVALID_ARGUMENT,
    /neither command nor args/,
  ],
  ["CreateContainer with NUL in its command", create({ command: ["a\0b"] }), INVALID_ARGUMENT, /NUL/],
];

export const MOUNT_REFUSALS: readonly Refusal[] = [
  ["a mount at a relative path", create(mount({ containerPath: "data" })), INVALID_ARGUMENT, /'data'/],
  ["a mount of a relative path", create(mount({ hostPath: "usr" })), INVALID_ARGUMENT, /'usr'/],
  ["a mount of a path with NUL", create(mount({ hostPath: "/usr\0" })), INVALID_ARGUMENT, /NUL/],
  ["a mount of nothing", create(mount({ hostPath: "/no/such" })), FAILED_PRECONDITION, /'\/no\/such'/],
  ["a mount below a file", create(mount({ hostPath: "/etc/passwd/x" })), FAILED_PRECONDITION, /passwd\/x/],
  ["a hostPath", create(mount({})), UNIMPLEMENTED, /\/data.*hostPath/],
  ["an image volume", create(mount({ image: { image: "x" } })), UNIMPLEMENTED, /^ImageVolumeMountFailed/],
  [
    "a recursive read-only mount",
    create(mount({ recursiveReadOnly: true, readonly: true })),
    UNIMPLEMENTED,
    /^RROUnsupported/,
  ],
  [
    "a recursive read-only mount that is not read-only",
    create(mount({ recursiveReadOnly: true })),
    INVALID_ARGUMENT,
    /readonly too/,
  ],
  [
    "a mount with bidirectional propagation",
    create(mount({ propagation: MountPropagation.PROPAGATION_BIDIRECTIONAL })),
    UNIMPLEMENTED,
    /bidirectional/,
  ],
  ["an emptyDir", volume("kubernetes.io~empty-dir"), UNIMPLEMENTED, /\/data.*emptyDir/],
  ["a secret", volume("kubernetes.io~secret"), UNIMPLEMENTED, /\/data.*secret/],
];

function volume(plugin: string) {
  return async (subjects: Subjects) => {
    const hostPath = join(subjects.node.work, "kubelet/pods/uid/volumes", plugin, "it");
    await Deno.mkdir(hostPath, { recursive: true });
    return await create(mount({ hostPath }))(subjects);
  };
}

export const STATE_REFUSALS: readonly Refusal[] = [
  [
    "StartContainer of a running container",
    ({ cri, running: containerId }) => cri.runtime.startContainer({ containerId }),
    FAILED_PRECONDITION,
    /is running/,
  ],
  [
    "ExecSync in a container that was not started",
    ({ cri, created: containerId }) => cri.runtime.execSync({ containerId, cmd: ["true"] }),
    FAILED_PRECONDITION,
    /is created/,
  ],
  [
    "ExecSync without a command",
    ({ cri, running: containerId }) => cri.runtime.execSync({ containerId }),
    INVALID_ARGUMENT,
    /'cmd'/,
  ],
  [
    "ExecSync of a program that does not exist",
    ({ cri, running: containerId }) => cri.runtime.execSync({ containerId, cmd: ["/no/such/program"] }),
    FAILED_PRECONDITION,
    /\/no\/such\/program/,
  ],
  [
    "ExecSync that takes too long",
    ({ cri, running: containerId }) =>
      cri.runtime.execSync({ containerId, cmd: ["sleep", "997"], timeout: 1n }),
    Code.DEADLINE_EXCEEDED,
    /"sleep".*1000 ms/,
  ],
  [
    "ReopenContainerLog of a container that was not started",
    ({ cri, created: containerId }) => cri.runtime.reopenContainerLog({ containerId }),
    FAILED_PRECONDITION,
    /is created/,
  ],
  [
    "ContainerStats of a container that was not started",
    ({ cri, created: containerId }) => cri.runtime.containerStats({ containerId }),
    FAILED_PRECONDITION,
    /not been started/,
  ],
  [
    "UpdateContainerResources",
    ({ cri, running: containerId }) =>
      cri.runtime.updateContainerResources({ containerId, linux: { cpuShares: 2n } }),
    UNIMPLEMENTED,
    /no limits/,
  ],
];

/** Each call that takes an id, with that id; and its code if there is nothing with that id. */
const BY_ID: readonly (readonly [
  name: string,
  call: (cri: Cri, id: string) => Promise<unknown>,
  unknown: Code,
])[] = [
  ["PodSandboxStatus", ({ runtime }, id) => runtime.podSandboxStatus({ podSandboxId: id }), NOT_FOUND],
  ["PodSandboxStats", ({ runtime }, id) => runtime.podSandboxStats({ podSandboxId: id }), NOT_FOUND],
  ["StopPodSandbox", ({ runtime }, id) => runtime.stopPodSandbox({ podSandboxId: id }), Code.OK],
  ["RemovePodSandbox", ({ runtime }, id) => runtime.removePodSandbox({ podSandboxId: id }), Code.OK],
  [
    "CreateContainer",
    ({ runtime }, id) => runtime.createContainer({ podSandboxId: id, config: containerConfig("refused") }),
    NOT_FOUND,
  ],
  ["StartContainer", ({ runtime }, id) => runtime.startContainer({ containerId: id }), NOT_FOUND],
  ["StopContainer", ({ runtime }, id) => runtime.stopContainer({ containerId: id }), Code.OK],
  ["RemoveContainer", ({ runtime }, id) => runtime.removeContainer({ containerId: id }), Code.OK],
  ["ContainerStatus", ({ runtime }, id) => runtime.containerStatus({ containerId: id }), NOT_FOUND],
  ["ContainerStats", ({ runtime }, id) => runtime.containerStats({ containerId: id }), NOT_FOUND],
  ["ReopenContainerLog", ({ runtime }, id) => runtime.reopenContainerLog({ containerId: id }), NOT_FOUND],
  ["ExecSync", ({ runtime }, id) => runtime.execSync({ containerId: id, cmd: ["true"] }), NOT_FOUND],
  [
    "UpdateContainerResources",
    ({ runtime }, id) => runtime.updateContainerResources({ containerId: id, linux: { cpuShares: 2n } }),
    NOT_FOUND,
  ],
];

export const ID_REFUSALS: readonly Refusal[] = BY_ID.flatMap(([name, call, unknown]): Refusal[] => [
  [
    `${name} with an unknown id`,
    ({ cri }) => call(cri, UNKNOWN),
    unknown,
    unknown === Code.OK ? /^$/ : /f{64}/,
  ],
  [`${name} without an id`, ({ cri }) => call(cri, ""), INVALID_ARGUMENT, /'(pod_sandbox|container)_id'/],
]);

export const IMAGE_REFUSALS: readonly Refusal[] = [
  [
    "PullImage of an unknown image",
    ({ cri }) => cri.images.pullImage({ image: { image: "nginx" } }),
    NOT_FOUND,
    /'nginx'.*infranetes\.io\/exec:latest/,
  ],
  [
    "PullImage without a name",
    ({ cri }) => cri.images.pullImage({}),
    INVALID_ARGUMENT,
    /must be named/,
  ],
  [
    "RemoveImage of an unknown image",
    ({ cri }) => cri.images.removeImage({ image: { image: "nginx" } }),
    Code.OK,
  ],
  [
    "ImageStatus of an unknown image",
    ({ cri }) => cri.images.imageStatus({ image: { image: "nginx" } }),
    Code.OK,
  ],
];
