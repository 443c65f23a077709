// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { basename, dirname, join } from "node:path";
import { AlreadyExistsError, FailedPreconditionError, NotFoundError } from "../../lib/errors.ts";

export interface SocketOptions {
  readonly path: string;
  readonly mode: number;
  /** Name or number; empty: left as it is. */
  readonly group: string;
}

/** A socket file that this process listens on. Disposing removes the file if it is still the same one. */
export interface ListeningSocket extends AsyncDisposable {
  readonly path: string;
}

/**
 * Has `listen` bind a unix socket at the path that it is given, a hidden one, and moves it to its place when it has its
 * owner, its permissions and whatever else `listen` does to it: nobody can connect to a socket that is half made.
 *
 * @throws {AlreadyExistsError} if somebody answers at the path
 * @throws {FailedPreconditionError} if something else than a socket is there
 */
export async function bindSocket(
  options: SocketOptions,
  listen: (path: string) => Promise<void>,
): Promise<ListeningSocket> {
  const { path, mode, group } = options;
  const gid = group === "" ? undefined : await groupId(group);
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await removeStale(path);
  const hidden = hiddenPath(path);
  await removeStale(hidden);
  await listen(hidden);
  if (gid !== undefined) await Deno.chown(hidden, null, gid);
  await Deno.chmod(hidden, mode);
  const { ino, dev } = await Deno.lstat(hidden);
  await Deno.rename(hidden, path);
  return { path, [Symbol.asyncDispose]: () => removeOwn(path, dev, ino) };
}

/** In the same folder and not longer, because a socket's path has a limit. */
function hiddenPath(path: string): string {
  return join(dirname(path), `~${basename(path).slice(1)}`);
}

/** Removes what a killed process has left behind, and only that. */
async function removeStale(path: string): Promise<void> {
  const found = await Deno.lstat(path).catch(absent);
  if (!found) return;
  if (!found.isSocket) {
    throw new FailedPreconditionError(
      `Cannot listen at ${path}: something that is no socket is there. Move it away`,
    );
  }
  try {
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    if (!(error instanceof Deno.errors.ConnectionRefused)) {
      throw new FailedPreconditionError(`Cannot find out whether somebody listens at ${path}: ${error}`, {
        cause: error,
      });
    }
    await Deno.remove(path).catch(absent);
    return;
  }
  throw new AlreadyExistsError(
    `Cannot listen at ${path}: another process answers there. Stop it first, or choose another path`,
  );
}

async function removeOwn(path: string, dev: number, ino: number | null): Promise<void> {
  const found = await Deno.lstat(path).catch(absent);
  if (found?.dev === dev && found.ino === ino) await Deno.remove(path).catch(absent);
}

function absent(error: unknown): undefined {
  if (error instanceof Deno.errors.NotFound) return undefined;
  throw error;
}

/** Deno has no getgrnam(3): groups are read from /etc/group; of a directory service only numbers can be used. */
async function groupId(group: string): Promise<number> {
  if (/^\d+$/.test(group)) return Number(group);
  const lines = (await Deno.readTextFile("/etc/group")).split("\n");
  const id = lines.map((line) => line.split(":")).find(([name]) => name === group)?.[2];
  if (id === undefined) {
    throw new NotFoundError(`Group "${group}" is not in /etc/group: name another, or use its number`);
  }
  return Number(id);
}
