// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { ContainerView, PodView } from "../http/api.ts";
import { formatAge } from "./age.ts";
import type { CommandContext } from "./command.ts";
import { ExitCode } from "./exit_code.ts";
import { NodeClient } from "./node_client.ts";

/** `infranetes pod inspect` */
export async function podInspect(context: CommandContext): Promise<number> {
  const { args, terminal } = context;
  using client = new NodeClient(context);
  const pod = await client.pod(args.text("namespace") ?? "default", args.positionals[0]!);
  terminal.print(args.text("output") === "json" ? JSON.stringify(pod, null, 2) : podText(pod, Date.now()));
  return ExitCode.OK;
}

/** A pod for a person. `now` in milliseconds since the epoch. */
export function podText(pod: PodView, now: number): string {
  const phases = Object.entries(pod.phases);
  return [
    ...fields([
      ["Pod", `${pod.namespace}/${pod.name}`],
      ["Uid", pod.uid],
      ["Status", pod.reason ? `${pod.phase} (${pod.reason})` : pod.phase],
      ["Created", `${pod.createdAt} (${formatAge(now - Date.parse(pod.createdAt))} ago)`],
      ["Addresses", pod.addresses.join(", ") || "none"],
      ["Profile", pod.profile],
      ["VM", `${pod.vm.id} (${[pod.vm.provider, pod.vm.instanceId].filter(Boolean).join(" ")})`],
      ["Restarts", pod.restartPolicy],
    ]),
    ...pod.containers.flatMap((
      container,
    ) => ["", `Container ${container.name}`, ...containerFields(container, now)]),
    ...(phases.length > 0
      ? ["", "Start", ...fields(phases.map(([name, ms]) => [`  ${name}`, `${ms} ms`]))]
      : []),
    ...(pod.warnings.length > 0 ? ["", "Warnings", ...pod.warnings.map((warning) => `  ${warning}`)] : []),
  ].join("\n");
}

function containerFields(container: ContainerView, now: number): string[] {
  const rows: [string, string][] = [
    ["  Image", container.image],
    ["  State", stateText(container, now)],
    ["  Restarts", String(container.restarts)],
  ];
  if (container.message) rows.push(["  Message", container.message.trimEnd()]);
  if (container.id) rows.push(["  Id", container.id]);
  return fields(rows);
}

function stateText(
  { state, reason, pid, startedAt, finishedAt, exitCode, restartAt }: ContainerView,
  now: number,
): string {
  const ago = (time: string | null) => time ? ` ${formatAge(now - Date.parse(time))}` : "";
  switch (state) {
    case "running":
      return `running for${ago(startedAt)}${pid ? `, pid ${pid}` : ""}`;
    case "waiting":
      return `waiting${reason ? ` (${reason})` : ""}`;
    case "exited": {
      const again = restartAt ? `, restarts in ${formatAge(Date.parse(restartAt) - now)}` : "";
      return `exited${ago(finishedAt)} ago with code ${exitCode}${reason ? ` (${reason})` : ""}${again}`;
    }
  }
}

function fields(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length)) + 1;
  return rows.map(([name, value]) => `${`${name}:`.padEnd(width)}  ${value}`);
}
