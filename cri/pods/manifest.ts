// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * The part of a Kubernetes Pod (core/v1) that stand-alone pods understand, as a strict schema. What Kubernetes knows and
 * this does not is listed in `unsupported.ts`, so that it is refused in other words than a typing error.
 * @module
 */
import * as z from "zod";
import { parseQuantity, QUANTITY_REGEXP } from "../config/quantity.ts";

function pattern(form: RegExp, message: string) {
  return z.string(message).regex(form, message);
}

/** RFC 1123, as the API server validates names of namespaces and of containers. */
export const label = pattern(
  /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
  "Must be 1 to 63 lower-case letters, digits or '-', beginning and ending with a letter or digit",
);
const subdomain = pattern(
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/,
  "Must be a DNS name of at most 253 lower-case letters, digits, '-' and '.'",
);
const metaKey = pattern(
  /^([a-z0-9.-]{1,253}\/)?[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/,
  "Must be a name of at most 63 characters, with an optional DNS prefix and '/'",
);
const labelValue = pattern(
  /^$|^[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/,
  "Must be at most 63 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit, in quotes",
);
const absolutePath = pattern(/^\//, "Must be an absolute path");

/** YAML makes numbers of unquoted ones (`cpu: 1`); Kubernetes takes both. */
const quantity = z.union([
  z.number().nonnegative(),
  pattern(QUANTITY_REGEXP, "Must be a quantity such as 250m or 64Mi"),
])
  .transform((value) => typeof value === "number" ? value : parseQuantity(value) ?? NaN);

const resourceList = z.strictObject({ cpu: quantity.optional(), memory: quantity.optional() });

const env = z.strictObject({
  name: pattern(/^[^=\0]+$/, "Must be a name without '='"),
  value: z.string('Must be text: put it in quotes, such as "1" or "true"').default(""),
});

const port = z.strictObject({
  name: z.string().optional(),
  containerPort: z.int().min(1).max(65535),
  protocol: z.enum(["TCP", "UDP", "SCTP"]).default("TCP"),
});

const container = z.strictObject({
  name: label,
  image: z.string().min(1, "Must be the name of an image"),
  imagePullPolicy: z.enum(["Always", "IfNotPresent", "Never"]).optional(),
  command: z.array(z.string("Must be text")).default([]),
  args: z.array(z.string("Must be text")).default([]),
  workingDir: z.string().default(""),
  env: z.array(env).default([]),
  ports: z.array(port).default([]),
  resources: z.strictObject({
    requests: resourceList.prefault({}),
    limits: resourceList.prefault({}),
  }).prefault({}),
  terminationMessagePath: absolutePath.default("/dev/termination-log"),
  terminationMessagePolicy: z.literal("File").default("File"),
});

const metadata = z.strictObject({
  name: subdomain,
  namespace: label.optional(),
  labels: z.record(metaKey, labelValue).default({}),
  annotations: z.record(metaKey, z.string("Must be text, in quotes")).default({}),
});

export const manifestSchema = z.strictObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("Pod"),
  metadata,
  spec: z.strictObject({
    containers: z.array(container).min(1),
    restartPolicy: z.enum(["Always", "OnFailure", "Never"]).default("Always"),
    terminationGracePeriodSeconds: z.int().nonnegative().default(30),
    hostname: label.optional(),
    runtimeClassName: subdomain.optional(),
    // What these ask for is what a stand-alone pod has anyhow.
    automountServiceAccountToken: z.literal(false).optional(),
    enableServiceLinks: z.literal(false).optional(),
  }),
});

/** A manifest with its defaults. CPUs and bytes are numbers. */
export type PodManifest = z.output<typeof manifestSchema>;
export type ManifestContainer = PodManifest["spec"]["containers"][number];
