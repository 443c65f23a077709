// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

interface Pod {
  readonly containers: readonly {
    readonly id: string;
    readonly pid: number;
    readonly startedAt: string;
    readonly restarts: number;
  }[];
}

/** That it is the very same process as before. */
export function assertSamePod(before: Pod, after: Pod): string {
  const [was] = before.containers;
  const [is] = after.containers;
  for (const field of ["id", "pid", "startedAt", "restarts"] as const) {
    if (was![field] !== is![field]) {
      throw new Error(`The container's ${field} was ${was![field]} and is ${is![field]}`);
    }
  }
  return `process ${is!.pid} since ${is!.startedAt}, ${is!.restarts} restarts: as before`;
}

/** That the log has every line from the first to beyond `number`, each once. */
export function assertUnbroken(log: string, number: number): string {
  const numbers = numbersOf(log);
  const wrong = numbers.findIndex((value, index) => value !== index + 1);
  if (wrong >= 0) throw new Error(`Line ${wrong + 1} of the log should follow, line ${numbers[wrong]} does`);
  if (numbers.length <= number) {
    throw new Error(`The log ends at line ${numbers.length}, it was at ${number} before`);
  }
  return `log: lines 1 to ${numbers.length}, none lost, none doubled (${number} before the crash)`;
}

/** The number of the last line that the pod has written. */
export function lastLine(log: string): number {
  return numbersOf(log).at(-1) ?? 0;
}

function numbersOf(log: string): number[] {
  return [...log.matchAll(/^Line (\d+)$/gm)].map(([, number]) => Number(number));
}
