// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import { UnavailableError } from "../../lib/errors.ts";
import type { FileIdentity, LogFile, LogFiles } from "./log_files.ts";
import { hiddenPath } from "./log_place.ts";

const logger = getLogger(["infranetes", "logs"]);

/** The fact of which file a log is in. */
export interface NewLogFact {
  /** Says that it is this one. */
  record(identity: FileIdentity): void;
  /** Says that it is the one from before. Does not throw. */
  takeBack(): void;
}

/**
 * Makes the next file of a log: hidden, then the fact, then its name. Until the fact is recorded nobody sees a file, and
 * the name never replaces another. If it throws, there is no new file.
 */
export async function makeLogFile(files: LogFiles, path: string, fact: NewLogFact): Promise<LogFile> {
  const hidden = hiddenPath(path);
  await files.remove(hidden);
  const file = await files.open(hidden, "new").catch((cause) => {
    throw cannotReopen(path, "no new file could be made", cause);
  });
  try {
    fact.record(await file.state());
    await files.link(hidden, path).catch((cause) => {
      fact.takeBack();
      throw cannotReopen(path, "the new file could not get its name", cause);
    });
  } catch (error) {
    file.close();
    await files.remove(hidden);
    throw error;
  }
  // The file has its name: that the hidden one stays is no reason to fail, the next time it is removed.
  await files.remove(hidden).catch((error) =>
    logger.warning("{path} cannot be removed: {error}", { path: hidden, error })
  );
  return file;
}

/** The error of a ReopenContainerLog that has changed nothing. */
export function cannotReopen(path: string, what: string, cause: unknown): UnavailableError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new UnavailableError(`Log '${path}' goes on in the file that it had: ${what}: ${why}`, { cause });
}
