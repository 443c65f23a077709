// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { InvalidArgumentError } from "../../lib/errors.ts";

/** An image by name: `registry.example:5000/team/app:1.2` or `…/app@sha256:…`. */
export interface ImageReference {
  /** Registry and repository, as given. */
  readonly name: string;
  /** `latest` where neither tag nor digest is given; undefined with a digest alone. */
  readonly tag: string | undefined;
  /** `sha256:` and 64 hex digits. */
  readonly digest: string | undefined;
}

/** Longest name that registries take. */
const NAME_MAX = 255;
const DEFAULT_TAG = "latest";

// Grammar of the OCI distribution specification: an optional host, then lower-case path components.
const HOST =
  "(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::[0-9]{1,5})?";
const COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const REFERENCE_REGEXP = new RegExp(
  `^(?<name>(?:${HOST}/)?${COMPONENT}(?:/${COMPONENT})*)(?::(?<tag>[\\w][\\w.-]{0,127}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$`,
);

/**
 * Reads an image reference.
 * @throws {InvalidArgumentError} if it is none
 */
export function parseReference(text: string): ImageReference {
  const { name, tag, digest } = REFERENCE_REGEXP.exec(text)?.groups ?? {};
  if (name === undefined || name.length > NAME_MAX) {
    throw new InvalidArgumentError(
      `Image '${text.slice(0, 300)}' is not a reference: it must be name, name:tag or name@sha256:…`,
    );
  }
  return { name, tag: tag ?? (digest === undefined ? DEFAULT_TAG : undefined), digest };
}

/** {@linkcode parseReference} backwards, with the tag that was implied. */
export function formatReference({ name, tag, digest }: ImageReference): string {
  return name + (tag === undefined ? "" : `:${tag}`) + (digest === undefined ? "" : `@${digest}`);
}
