// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { type Context, Hono } from "hono";
import { InvalidArgumentError, UnsupportedError } from "../../lib/errors.ts";
import { VERSION } from "../../lib/version.ts";
import type { PodExec } from "../pods/exec.ts";
import type { PodLogs } from "../pods/logs.ts";
import type { Pods } from "../pods/pods.ts";
import { errorResponse } from "./error_response.ts";
import { EXEC_CONTENT_TYPE } from "./exec_frames.ts";
import { execStream } from "./exec_stream.ts";
import { readJson } from "./read_json.ts";
import { runStream } from "./run_stream.ts";
import { byteStream } from "./byte_stream.ts";

export interface AppParts {
  readonly pods: Pods;
  readonly logs: PodLogs;
  readonly exec: PodExec;
  /** Fires when the process is asked to end: what is followed ends then. */
  readonly ending: AbortSignal;
}

const POD = "/v1/pods/:namespace/:name";

/** The client API as an application: see `api.ts`. */
export function clientApi(parts: AppParts): Hono {
  const app = new Hono();
  app.onError((error) => errorResponse(error));
  app.notFound(({ req }) =>
    errorResponse(new UnsupportedError(`The client API has no ${req.method} ${req.path}`), 404)
  );
  app.get("/v1/version", (context) => context.json({ version: VERSION }));
  app.get("/v1/pods", (context) => context.json({ pods: parts.pods.list(context.req.query("namespace")) }));
  app.post("/v1/pods", (context) => run(context, parts));
  app.get(POD, (context) => context.json(parts.pods.get(...podOf(context))));
  app.delete(POD, async (context) => {
    await parts.pods.remove(...podOf(context), wholeNumber(context, "grace"));
    return context.json({});
  });
  app.get(`${POD}/logs`, (context) => logs(context, parts));
  app.post(`${POD}/exec`, (context) => exec(context, parts));
  return app;
}

async function run(context: Context, { pods, ending }: AppParts): Promise<Response> {
  const wait = flag(context, "wait", true);
  const namespace = context.req.query("namespace");
  const given = await readJson(context.req.raw);
  const pod = await pods.accept(given, { namespace, removeOnFailure: wait, signal: ending });
  const headers = { "content-type": "application/x-ndjson" };
  return new Response(runStream(pod, wait, ending), { status: 201, headers });
}

function logs(context: Context, { logs, ending }: AppParts): Response {
  const content = logs.open(...podOf(context), {
    container: context.req.query("container"),
    previous: flag(context, "previous", false),
    follow: flag(context, "follow", false),
    timestamps: flag(context, "timestamps", false),
    tail: wholeNumber(context, "tail"),
  });
  const body = byteStream((gone) => content(AbortSignal.any([gone, ending])));
  return new Response(body, { headers: { "content-type": "text/plain; charset=utf-8" } });
}

async function exec(context: Context, { exec, ending }: AppParts): Promise<Response> {
  const { command } = await readJson(context.req.raw) as { command?: unknown };
  if (!isCommand(command)) {
    throw new InvalidArgumentError("The body must be { command: [text, …] } with at least one word");
  }
  const container = context.req.query("container");
  const frames = await exec.open(...podOf(context), { container, command, signal: ending });
  const body = execStream((gone) => frames(AbortSignal.any([gone, ending])));
  return new Response(body, { headers: { "content-type": EXEC_CONTENT_TYPE } });
}

function podOf({ req }: Context): [namespace: string, name: string] {
  return [req.param("namespace")!, req.param("name")!];
}

function flag({ req }: Context, name: string, byDefault: boolean): boolean {
  const text = req.query(name);
  if (text === undefined) return byDefault;
  if (text !== "true" && text !== "false") {
    throw new InvalidArgumentError(`?${name} must be true or false (given: "${text}")`);
  }
  return text === "true";
}

function wholeNumber({ req }: Context, name: string): number | undefined {
  const text = req.query(name);
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) {
    throw new InvalidArgumentError(`?${name} must be a whole number (given: "${text}")`);
  }
  return Number(text);
}

function isCommand(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((word) => typeof word === "string");
}
