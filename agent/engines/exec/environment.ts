// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { InvalidArgumentError } from "../../../lib/errors.ts";
import type { KeyValue } from "../../../protocol/gen/cri_pb.ts";

/** Path of the file whose end becomes the container's termination message. */
export const TERMINATION_LOG_VARIABLE = "INFRANETES_TERMINATION_LOG";
/** By this all processes of a container are found, wherever they went. */
export const CONTAINER_VARIABLE = "INFRANETES_CONTAINER_ID";
/** By this processes of `exec` are found that an agent left behind when it was killed. */
export const EXEC_VARIABLE = "INFRANETES_EXEC_IN";

const OURS: ReadonlySet<string> = new Set([TERMINATION_LOG_VARIABLE, CONTAINER_VARIABLE, EXEC_VARIABLE]);
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What is in the environment without having been asked for. */
export interface EnvironmentDefaults {
  readonly containerId: string;
  readonly path: string;
  readonly hostname: string;
  readonly terminationLog: string;
}

/**
 * The whole environment of a container: nothing of the agent's own.
 *
 * @throws {InvalidArgumentError} naming the variable: its value is not UTF-8 (what starts processes here takes text),
 *   its name or value cannot be one, or its name is ours
 */
export function buildEnvironment(
  envs: readonly KeyValue[],
  defaults: EnvironmentDefaults,
): Record<string, string> {
  const environment: Record<string, string> = { PATH: defaults.path, HOSTNAME: defaults.hostname };
  for (const { key, value } of envs) environment[checkName(key)] = decode(key, value);
  environment[TERMINATION_LOG_VARIABLE] = defaults.terminationLog;
  environment[CONTAINER_VARIABLE] = defaults.containerId;
  return environment;
}

function checkName(name: string): string {
  if (name === "" || name.includes("=") || name.includes("\0")) {
    throw new InvalidArgumentError(
      `Environment variable ${JSON.stringify(name)} has a name that cannot be one`,
    );
  }
  if (OURS.has(name)) {
    throw new InvalidArgumentError(`Environment variable ${name} is set by Infranetes: choose another name`);
  }
  return name;
}

/** The value is not in the message: it may be a secret. */
function decode(name: string, value: Uint8Array): string {
  let text: string;
  try {
    text = decoder.decode(value);
  } catch (cause) {
    throw new InvalidArgumentError(`Environment variable ${name} has a value that is not UTF-8`, { cause });
  }
  if (text.includes("\0")) {
    throw new InvalidArgumentError(`Environment variable ${name} has a value with a NUL byte`);
  }
  return text;
}
