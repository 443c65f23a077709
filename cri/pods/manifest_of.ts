// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { SandboxEntry } from "../state/sandbox_entry.ts";
import type { PodManifest } from "./manifest.ts";
import { parseManifest } from "./parse_manifest.ts";
import { MANIFEST_ANNOTATION } from "./translate.ts";

const parsed = new WeakMap<SandboxEntry, PodManifest>();

/** The manifest from which a stand-alone pod was made. It was checked then and never changes. */
export function manifestOf(sandbox: SandboxEntry): PodManifest {
  const known = parsed.get(sandbox);
  if (known) return known;
  const manifest = parseManifest(JSON.parse(sandbox.config.annotations[MANIFEST_ANNOTATION] ?? "null"));
  parsed.set(sandbox, manifest);
  return manifest;
}
