// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { formatPath } from "../config/problem.ts";
import { ManifestError } from "./manifest_error.ts";
import { namespaceOf, parseManifest } from "./parse_manifest.ts";

const IMAGE = "infranetes.io/exec:latest";

function pod(spec: Record<string, unknown> = {}, container: Record<string, unknown> = {}, rest = {}) {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "hello" },
    spec: { containers: [{ name: "main", image: IMAGE, ...container }], ...spec },
    ...rest,
  };
}

function problemsOf(value: unknown): string[] {
  try {
    parseManifest(value);
  } catch (error) {
    assert(error instanceof ManifestError, String(error));
    assert.equal(error.grpcCode, 3);
    return error.problems.map(({ path, message, given }) =>
      `${formatPath(path)}: ${message}${given ? ` (${given})` : ""}`
    );
  }
  return [];
}

Deno.test("parseManifest() takes a pod as Kubernetes' own examples write it", () => {
  const manifest = parseManifest(pod(
    { restartPolicy: "OnFailure", hostname: "h", automountServiceAccountToken: false },
    {
      command: ["sh"],
      args: ["-c", "true"],
      env: [{ name: "A", value: "1" }, { name: "EMPTY" }],
      ports: [{ containerPort: 80 }],
      resources: { requests: { cpu: "250m", memory: "64Mi" }, limits: { cpu: 1 } },
    },
    {
      metadata: {
        name: "hello",
        labels: { "app.kubernetes.io/name": "hello" },
        annotations: { "x/y": "any text" },
      },
    },
  ));
  const [container] = manifest.spec.containers;
  assert.deepEqual(container!.resources, { requests: { cpu: 0.25, memory: 67108864 }, limits: { cpu: 1 } });
  assert.deepEqual(container!.env, [{ name: "A", value: "1" }, { name: "EMPTY", value: "" }]);
  assert.equal(container!.terminationMessagePath, "/dev/termination-log");
  assert.equal(manifest.spec.terminationGracePeriodSeconds, 30);
});

const UNSUPPORTED = "Not supported for stand-alone pods yet";

const REFUSED: readonly (readonly [what: string, value: unknown, problems: string[]])[] = [
  [
    "everything that cannot be had, all at once",
    pod(
      { volumes: [], initContainers: [], hostNetwork: true, serviceAccountName: "x" },
      {
        livenessProbe: {},
        envFrom: [],
        volumeMounts: [],
        env: [{ name: "A", valueFrom: {} }],
        ports: [{ containerPort: 1, hostPort: 2 }],
      },
    ),
    [
      `spec.containers[0].env[0].valueFrom: ${UNSUPPORTED}`,
      `spec.containers[0].ports[0].hostPort: ${UNSUPPORTED}`,
      `spec.containers[0].livenessProbe: ${UNSUPPORTED}`,
      `spec.containers[0].envFrom: ${UNSUPPORTED}`,
      `spec.containers[0].volumeMounts: ${UNSUPPORTED}`,
      `spec.volumes: ${UNSUPPORTED}`,
      `spec.initContainers: ${UNSUPPORTED}`,
      `spec.hostNetwork: ${UNSUPPORTED}`,
      `spec.serviceAccountName: ${UNSUPPORTED}`,
    ],
  ],
  [
    "a word that Kubernetes does not know either",
    pod({}, { comand: ["x"] }),
    ['spec.containers[0].comand: Unknown key: did you mean "command"?'],
  ],
  [
    "another kind, and nothing else",
    { apiVersion: "apps/v1", kind: "Deployment", spec: { replicas: 1 } },
    ['kind: Only Pods can be run: of a workload take its template ("Deployment")'],
  ],
  ["what is no mapping", ["a"], [
    ": Must be a Kubernetes Pod: a mapping with apiVersion, kind, metadata, spec",
  ]],
  [
    "two containers of one name",
    pod({ containers: [{ name: "a", image: "x" }, { name: "a", image: "x" }] }),
    ['spec.containers[1].name: Another container has this name ("a")'],
  ],
  ["a pod without containers", pod({ containers: [] }), ["spec.containers: Must have at least 1 entry ([])"]],
  [
    "a name that is none",
    pod({}, {}, { metadata: { name: "Hello_World" } }),
    [
      "metadata.name: Must be a DNS name of at most 253 lower-case letters, digits, '-' and '.' (\"Hello_World\")",
    ],
  ],
  [
    "a variable's value that is no text, without showing it",
    pod({}, { env: [{ name: "SECRET", value: 4711 }] }),
    ['spec.containers[0].env[0].value: Must be text: put it in quotes, such as "1" or "true"'],
  ],
  [
    "a token that it cannot mount",
    pod({ automountServiceAccountToken: true }),
    ["spec.automountServiceAccountToken: Must be false (true)"],
  ],
  [
    "a quantity that is none",
    pod({}, { resources: { limits: { memory: "1 GB" } } }),
    ['spec.containers[0].resources.limits.memory: Must be a quantity such as 250m or 64Mi ("1 GB")'],
  ],
];

for (const [what, value, problems] of REFUSED) {
  Deno.test(`parseManifest() refuses ${what}`, () =>
    assert.deepEqual(problemsOf(value).sort(), [...problems].sort()));
}

Deno.test("namespaceOf() takes that of the call, of the manifest, or the default one", () => {
  const without = parseManifest(pod());
  const own = parseManifest(pod({}, {}, { metadata: { name: "hello", namespace: "mine" } }));
  assert.equal(namespaceOf(without, undefined), "default");
  assert.equal(namespaceOf(without, "other"), "other");
  assert.equal(namespaceOf(own, undefined), "mine");
  assert.equal(namespaceOf(own, "mine"), "mine");
  assert.throws(() => namespaceOf(own, "other"), /for namespace "mine", not for "other"/);
});

for (const bad of ["", "..", "../../etc", "a/b", "A", "x".repeat(64), "a\n"]) {
  Deno.test(`namespaceOf() refuses ${JSON.stringify(bad)}: it would become part of a path`, () => {
    assert.throws(() => namespaceOf(parseManifest(pod()), bad), /is no namespace's name/);
  });
}

for (const name of ["..", "../x", "a/b", "a_b", ".a"]) {
  Deno.test(`parseManifest() refuses ${JSON.stringify(name)} as a pod's and as a container's name`, () => {
    assert.equal(problemsOf(pod({}, {}, { metadata: { name } })).length, 1);
    assert.equal(problemsOf(pod({}, { name })).length, 1);
  });
}
