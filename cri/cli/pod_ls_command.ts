// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { PodView } from "../http/api.ts";
import { formatAge } from "./age.ts";
import type { CommandContext } from "./command.ts";
import { ExitCode } from "./exit_code.ts";
import { NodeClient } from "./node_client.ts";
import { formatTable } from "./table.ts";

/** `infranetes pod ls` */
export async function podLs(context: CommandContext): Promise<number> {
  using client = new NodeClient(context);
  const pods = await client.pods(context.args.text("namespace"));
  if (context.args.text("output") === "json") context.terminal.print(JSON.stringify(pods, null, 2));
  else context.terminal.print(podTable(pods, Date.now()));
  return ExitCode.OK;
}

/** The table of `pod ls`. `now` in milliseconds since the epoch. */
export function podTable(pods: readonly PodView[], now: number): string {
  const heading = ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE", "ADDRESS", "PROFILE"];
  return formatTable(
    heading,
    pods.map((pod) => [
      pod.namespace,
      pod.name,
      `${pod.containers.filter(({ state }) => state === "running").length}/${pod.containers.length}`,
      pod.reason.split(":")[0] || pod.phase,
      String(pod.containers.reduce((sum, { restarts }) => sum + restarts, 0)),
      formatAge(now - Date.parse(pod.createdAt)),
      pod.addresses[0] ?? "-",
      pod.profile,
    ]),
  );
}
