// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** CPU time of the machine in clock ticks since boot, by the columns of `/proc/stat` (proc_stat(5)). */
export interface CpuTicks {
  readonly total: number;
  readonly idle: number;
  /** Wanted by this machine and given to others by its host. */
  readonly stolen: number;
}

export function readCpuTicks(): CpuTicks {
  const [line = ""] = Deno.readTextFileSync("/proc/stat").split("\n");
  const [user, nice, system, idle, ioWait, irq, softIrq, steal] = line.split(/\s+/).slice(1).map(Number);
  const total = [user, nice, system, idle, ioWait, irq, softIrq, steal].reduce(
    (sum, each) => sum! + each!,
    0,
  )!;
  return { total, idle: idle! + ioWait!, stolen: steal! };
}

/** Shares in per cent of the time from `before` until now. */
export function cpuShareSince(before: CpuTicks): { readonly busy: number; readonly stolen: number } {
  const now = readCpuTicks();
  const total = Math.max(1, now.total - before.total);
  const stolen = (now.stolen - before.stolen) / total * 100;
  return { busy: 100 - (now.idle - before.idle) / total * 100 - stolen, stolen };
}
