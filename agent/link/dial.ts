// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Clock } from "../../lib/clock.ts";
import { deadline } from "../../lib/deadline.ts";
import { UnavailableError } from "../../lib/errors.ts";
import { CHECK_PATH, LINK_PATH } from "../../protocol/enrolment.ts";
import type { Transport } from "../../protocol/link/transport.ts";
import { dialWebSocket } from "../../protocol/link/websocket_client.ts";
import { createNodeClient } from "./http_client.ts";
import type { SignedIdentity } from "./identity.ts";
import { parseNodeAddress } from "./node_address.ts";
import { tlsProblem } from "./tls_problem.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const CHECK_TIMEOUT_MS = 5000;
/** The node's answers are one line. */
const MAX_REASON = 500;

/**
 * Opens links to the node with this VM's certificate. Keeps one HTTP client, so that TLS sessions are resumed, and
 * replaces it with the certificate.
 */
export class Dialer implements Disposable {
  readonly #clock: Clock;
  #authorities: readonly string[] = [];
  #client: Deno.HttpClient | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What the next connection is made with. Connections that are open stay. */
  use({ authorities, certificate, key }: SignedIdentity): void {
    const client = createNodeClient({ authorities, certificate, key });
    this.#client?.close();
    this.#client = client;
    this.#authorities = authorities;
  }

  /**
   * Tries the addresses in turn.
   * @throws {UnavailableError} saying for each why it gave no link: in the node's own words where it gave an answer
   */
  async dial(nodes: readonly string[], signal: AbortSignal): Promise<Transport> {
    const reasons: string[] = [];
    for (const node of nodes) {
      try {
        return await this.#dialOne(node, signal);
      } catch (error) {
        signal.throwIfAborted();
        reasons.push(`${node}: ${await this.#explain(node, error as Error, signal)}`);
      }
    }
    throw new UnavailableError(`Node gives no link (${reasons.join("; ")})`);
  }

  async #dialOne(node: string, signal: AbortSignal): Promise<Transport> {
    using limit = deadline(CONNECT_TIMEOUT_MS, { clock: this.#clock, what: "Connecting", parents: [signal] });
    return await dialWebSocket(`wss://${node}${LINK_PATH}`, { client: this.#client!, signal: limit.signal });
  }

  /**
   * Deno's WebSocket hides why it failed: a refusal, a certificate that is not trusted and a peer that hangs up all read
   * "NoApplicationProtocol". A plain request says it.
   */
  async #explain(node: string, error: Error, signal: AbortSignal): Promise<string> {
    // Nobody listens, or nobody answered: there is nobody to ask.
    if (/tcp connect error|did not end within/.test(error.message)) return error.message;
    using limit = deadline(CHECK_TIMEOUT_MS, {
      clock: this.#clock,
      what: "The node's answer",
      parents: [signal],
    });
    try {
      const request = { client: this.#client!, signal: limit.signal };
      const response = await fetch(`https://${node}${CHECK_PATH}`, request);
      const said = (await response.text()).trim().slice(0, MAX_REASON);
      return response.ok ? `${error.message}, though the node says: ${said}` : `${said} (${response.status})`;
    } catch (cause) {
      signal.throwIfAborted();
      const problem = await tlsProblem(parseNodeAddress(node), this.#authorities, this.#clock.now());
      return problem ?? innermost(cause as Error).message;
    }
  }

  [Symbol.dispose](): void {
    this.#client?.close();
    this.#client = null;
  }
}

/** fetch says only that it failed; its cause says why. */
function innermost(error: Error): Error {
  return error.cause instanceof Error ? innermost(error.cause) : error;
}
