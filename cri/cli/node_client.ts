// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { ErrorBody, ErrorDetail, FieldProblem, PodView } from "../http/api.ts";
import type { CommandContext } from "./command.ts";
import { ExitCode } from "./exit_code.ts";

const DEFAULT_SOCKET = "/run/infranetes/client.sock";

/** The node process refused or failed. */
export class NodeError extends Error {
  override readonly name = "NodeError";
  /** Name of a gRPC status code. */
  readonly code: string;
  readonly problems: readonly FieldProblem[];
  readonly exitCode: number;

  constructor({ code, message, problems = [] }: ErrorDetail) {
    super(message);
    this.code = code;
    this.problems = problems;
    this.exitCode = code === "INVALID_ARGUMENT" ? ExitCode.USAGE : ExitCode.FAILURE;
  }
}

/** Nobody answers at the client socket. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
  readonly exitCode = ExitCode.UNREACHABLE;
}

/** The client API of the node process on this host. Dispose of it when done. */
export class NodeClient implements Disposable {
  readonly #http: Deno.HttpClient;
  readonly #socket: string;
  readonly #signal: AbortSignal;

  constructor({ args, environment, signal }: Pick<CommandContext, "args" | "environment" | "signal">) {
    this.#socket = args.text("client-socket") ?? (environment.INFRANETES_CLIENT_SOCKET || DEFAULT_SOCKET);
    this.#http = Deno.createHttpClient({ proxy: { transport: "unix", path: this.#socket } });
    this.#signal = signal;
  }

  /**
   * One request. `path` comes with its query.
   *
   * @throws {NodeError} if the node answers with a failure
   * @throws {UnreachableError} if it does not answer
   */
  async request(method: string, path: string, body?: unknown): Promise<Response> {
    const response = await this.#fetch(method, path, body);
    if (response.ok) return response;
    const text = await response.text();
    throw new NodeError(
      errorDetail(text) ?? { code: "INTERNAL", message: `HTTP ${response.status}: ${text}` },
    );
  }

  async pods(namespace: string | undefined): Promise<PodView[]> {
    const query = namespace === undefined ? "" : `?namespace=${encodeURIComponent(namespace)}`;
    const response = await this.request("GET", `/v1/pods${query}`);
    return (await response.json()).pods;
  }

  async pod(namespace: string, name: string): Promise<PodView> {
    return await (await this.request("GET", podPath(namespace, name))).json();
  }

  [Symbol.dispose](): void {
    this.#http.close();
  }

  async #fetch(method: string, path: string, body: unknown): Promise<Response> {
    try {
      return await fetch(`http://localhost${path}`, {
        method,
        client: this.#http,
        signal: this.#signal,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
      });
    } catch (cause) {
      if (this.#signal.aborted) throw this.#signal.reason;
      throw new UnreachableError(await whyUnreachable(this.#socket), { cause });
    }
  }
}

/** `/v1/pods/default/hello` */
export function podPath(namespace: string, name: string, rest = ""): string {
  return `/v1/pods/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}${rest}`;
}

function errorDetail(text: string): ErrorDetail | undefined {
  try {
    return (JSON.parse(text) as ErrorBody).error;
  } catch {
    return undefined;
  }
}

/** fetch() says little about a failed connection to a unix socket: connecting once more tells what is wrong with it. */
async function whyUnreachable(path: string): Promise<string> {
  const advice = "start it with `infranetes serve`, or name its socket with --client-socket";
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return `The node process at ${path} broke the connection off`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      return `No node process: there is no socket at ${path}: ${advice}`;
    }
    if (error instanceof Deno.errors.ConnectionRefused) {
      return `No node process answers at ${path}: ${advice}`;
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      return `This user may not use ${path}: become a member of its group (client.socket.group), or use sudo`;
    }
    return `Cannot reach the node process at ${path}: ${error}`;
  }
}
