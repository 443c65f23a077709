// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { AlreadyExistsError, UnavailableError } from "../../lib/errors.ts";

/** That this process alone works on a state directory. Ends with the process, however it ends. */
export interface InstanceLock extends Disposable {
  readonly path: string;
}

/**
 * Locks a state directory by an advisory lock (`flock`) on its file `lock`, which holds the owner's process id for the
 * eyes of whoever comes second. The file itself stays: removing it would let two processes lock two files of one name.
 *
 * @throws {AlreadyExistsError} if another process has it, with that process's id
 * @throws {UnavailableError} if nothing can be written there
 */
export async function lockInstance(stateDir: string, pid: number = Deno.pid): Promise<InstanceLock> {
  const path = `${stateDir}/lock`;
  const file = await Deno.open(path, { create: true, read: true, write: true, mode: 0o600 });
  try {
    if (!await file.tryLock(true)) {
      const owner = (await Deno.readTextFile(path)).trim();
      const who = /^\d+$/.test(owner) ? `process ${owner}` : "another process";
      throw new AlreadyExistsError(
        `The state directory ${stateDir} is in use by ${who}: stop it first, or choose another stateDir`,
      );
    }
    await writeOwner(file, path, pid);
  } catch (error) {
    file.close();
    throw error;
  }
  return { path, [Symbol.dispose]: () => file.close() };
}

async function writeOwner(file: Deno.FsFile, path: string, pid: number): Promise<void> {
  try {
    await file.truncate();
    await file.write(new TextEncoder().encode(`${pid}\n`));
  } catch (cause) {
    throw new UnavailableError(`Cannot write to ${path}: ${(cause as Error).message}`, { cause });
  }
}
