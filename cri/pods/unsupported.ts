// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { Path } from "../config/yaml_source.ts";

/**
 * Fields of Kubernetes 1.36's Pod that stand-alone pods do not have (names: API reference of core/v1). A manifest that
 * uses one is refused as asking for something that is not there, rather than for a word that nobody knows.
 */
const METADATA = words(
  `creationTimestamp deletionGracePeriodSeconds deletionTimestamp finalizers generateName generation
  managedFields ownerReferences resourceVersion selfLink uid`,
);

const SPEC = words(
  `activeDeadlineSeconds affinity automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks
  ephemeralContainers hostAliases hostIPC hostNetwork hostPID hostUsers hostnameOverride imagePullSecrets initContainers
  nodeName nodeSelector os overhead preemptionPolicy priority priorityClassName readinessGates resourceClaims resources
  schedulerName schedulingGates securityContext serviceAccount serviceAccountName setHostnameAsFQDN
  shareProcessNamespace subdomain tolerations topologySpreadConstraints volumes workloadRef`,
);

const CONTAINER = words(
  `envFrom lifecycle livenessProbe readinessProbe resizePolicy restartPolicy restartPolicyRules
  securityContext startupProbe stdin stdinOnce tty volumeDevices volumeMounts`,
);

const ENV = words("valueFrom");
const PORT = words("hostPort hostIP");
const RESOURCES = words("claims");

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/));
}

/** Whether Kubernetes knows the field at the path. */
export function isKubernetesField(path: Path): boolean {
  const key = String(path.at(-1));
  const pattern = path.slice(0, -1).map((step) => typeof step === "number" ? "*" : step).join(".");
  switch (pattern) {
    case "":
      return key === "status";
    case "metadata":
      return METADATA.has(key);
    case "spec":
      return SPEC.has(key);
    case "spec.containers.*":
      return CONTAINER.has(key);
    case "spec.containers.*.env.*":
      return ENV.has(key);
    case "spec.containers.*.ports.*":
      return PORT.has(key);
    case "spec.containers.*.resources":
      return RESOURCES.has(key);
    default:
      return false;
  }
}
