// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { InvalidArgumentError } from "../../lib/errors.ts";
import { type Image, ImageSchema, ImageSpecSchema } from "../../protocol/gen/cri_pb.ts";
import type { Settings } from "../state/facts.ts";
import { parseReference } from "./reference.ts";

const NAME = "infranetes.io/exec";
const TAG = "latest";

/** The one image that engine `exec` knows: it stands for the VM's own file system and has no content. */
export const RESERVED_IMAGE = `${NAME}:${TAG}`;

/** Looks like the digest of a content, and is stable for ever: containers refer to it. */
export const RESERVED_IMAGE_ID = `sha256:${createHash("sha256").update(NAME).digest("hex")}`;

/** Least hex digits of an id that are taken for one. */
const ID_PREFIX_MIN = 7;
const REMOVED = "reserved_image_removed";

/** The images of a node whose engine has none: the reserved one, there until it is removed and again when it is pulled. */
export class ReservedImages {
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  list(): Image[] {
    if (this.#settings.get(REMOVED) === "true") return [];
    return [create(ImageSchema, {
      id: RESERVED_IMAGE_ID,
      repoTags: [RESERVED_IMAGE],
      repoDigests: [`${NAME}@${RESERVED_IMAGE_ID}`],
      // It has none, but 0 is an error in the kubelet's client.
      size: 1n,
      pinned: true,
      spec: create(ImageSpecSchema, { image: RESERVED_IMAGE }),
    })];
  }

  /** The image that a name, a digest, an id or the beginning of an id stands for. */
  find(text: string): Image | undefined {
    return this.list().find(({ id }) => means(text, id));
  }

  /** Makes the image be there. @returns its id, undefined if there is no such image */
  pull(text: string): string | undefined {
    if (!means(text, RESERVED_IMAGE_ID)) return undefined;
    if (this.#settings.get(REMOVED) === "true") this.#settings.set(REMOVED, "false");
    return RESERVED_IMAGE_ID;
  }

  /** Removes the image with all its names. An unknown one is no error. */
  remove(text: string): void {
    if (this.find(text)) this.#settings.set(REMOVED, "true");
  }
}

function means(text: string, id: string): boolean {
  if (text === "") throw new InvalidArgumentError("Image must be named");
  const hex = text.replace(/^sha256:/, "");
  if (/^[0-9a-f]+$/.test(hex) && hex.length >= ID_PREFIX_MIN && id.startsWith(`sha256:${hex}`)) return true;
  if (text.startsWith("sha256:")) return false;
  const { name, tag, digest } = parseReference(text);
  return name === NAME && (tag === undefined || tag === TAG) && (digest === undefined || digest === id);
}
