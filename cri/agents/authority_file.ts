// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import * as z from "zod";
import { FailedPreconditionError } from "../../lib/errors.ts";
import { writeDurably } from "../../lib/durable_file.ts";

const pem = z.string().startsWith("-----BEGIN ");

const authorityFile = z.strictObject({
  version: z.literal(1),
  /** PKCS#8 of the current authority. */
  key: pem,
  certificate: pem,
  /** Authorities before it that are still trusted, newest first. Their keys are gone. */
  previous: z.array(z.strictObject({
    certificate: pem,
    /** The authority after it, signed by it. */
    cross: pem,
    /** Milliseconds since the Unix epoch: then the last certificate it issued has ended. */
    trustedUntil: z.number(),
  })),
});

/** What the node keeps of its certificate authority. One file, so that no death of the process can tear it. */
export type AuthorityFile = z.output<typeof authorityFile>;

/**
 * @returns undefined if there is no file yet
 * @throws {FailedPreconditionError} if it is damaged or others may read it
 */
export async function readAuthorityFile(path: string): Promise<AuthorityFile | undefined> {
  const text = await readSecret(path);
  if (text === undefined) return undefined;
  try {
    return authorityFile.parse(JSON.parse(text));
  } catch (cause) {
    // Without the cause's text: a JSON error quotes what it read, and that may be the key.
    throw new FailedPreconditionError(
      `Certificate authority in '${path}' is damaged: restore it from a backup, or remove it and delete all VMs of this node`,
      cause instanceof z.ZodError ? { cause } : {},
    );
  }
}

export async function writeAuthorityFile(path: string, file: AuthorityFile): Promise<void> {
  await writeDurably(path, JSON.stringify(file, null, 2) + "\n", { mode: 0o600 });
}

async function readSecret(path: string): Promise<string | undefined> {
  try {
    const { mode } = await Deno.stat(path);
    if (mode !== null && Deno.build.os !== "windows" && (mode & 0o077) !== 0) {
      throw new FailedPreconditionError(
        `Certificate authority in '${path}' may be read by others: run chmod 600, and rotate it if somebody did`,
      );
    }
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
