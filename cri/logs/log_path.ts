// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { isAbsolute, join } from "node:path";
import { InvalidArgumentError } from "../../lib/errors.ts";

/**
 * Where a container's log is on this node: the sandbox's `log_directory` and, below it, the container's `log_path`.
 *
 * @returns undefined if one of them is empty: then there is no log
 * @throws {InvalidArgumentError} if the directory is not absolute or the path leads out of it
 */
export function logPath(
  sandbox: { readonly logDirectory: string },
  container: { readonly logPath: string },
): string | undefined {
  const directory = sandbox.logDirectory;
  const path = container.logPath;
  if (directory === "" || path === "") return undefined;
  if (!isAbsolute(directory)) {
    throw new InvalidArgumentError(`Log directory '${directory}' of the sandbox must be an absolute path`);
  }
  const segments = path.split("/");
  if (isAbsolute(path) || segments.includes("..") || path.includes("\0")) {
    throw new InvalidArgumentError(
      `Log path '${path}' must lead to a file below the log directory '${directory}'`,
    );
  }
  if (["", "."].includes(segments.at(-1)!)) {
    throw new InvalidArgumentError(`Log path '${path}' must name a file`);
  }
  return join(directory, path);
}
