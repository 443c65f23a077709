// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Bench } from "./bench.ts";
import { churn } from "./churn.ts";
import { exec } from "./exec.ts";
import { link } from "./link_figures.ts";
import { list } from "./list.ts";
import { logAppend } from "./log_append.ts";
import { logs } from "./logs.ts";
import { memory } from "./memory.ts";
import { podStart } from "./pod_start.ts";
import { processChurn } from "./process_churn.ts";
import { sessions } from "./sessions.ts";

/** All benchmarks, in the order in which they run: the long ones last. */
export const BENCHES: readonly Bench[] = [
  list,
  link,
  podStart,
  exec,
  memory,
  logAppend,
  logs,
  processChurn,
  churn,
  sessions,
];
