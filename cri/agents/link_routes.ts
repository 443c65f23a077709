// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { getLogger } from "@logtape/logtape";
import { WebSocketServer } from "ws";
import { CHECK_PATH, ENROLL_PATH, LINK_PATH, MAX_ENROLL_BODY } from "../../protocol/enrolment.ts";
import { EnrollRequestSchema, EnrollResponseSchema } from "../../protocol/gen/agent_pb.ts";
import { LINK_SERVER_OPTIONS, WebSocketServerTransport } from "../../protocol/link/websocket_server.ts";
import type { AgentIdentity } from "./agent_certificate.ts";
import { Budgets } from "./budgets.ts";
import type { BudgetsOptions } from "./budgets.ts";
import type { Enrolment } from "./enrolment.ts";
import type { LinkGate } from "./link_gate.ts";
import { PeerRefusal } from "./peer_refusal.ts";
import type { RefusalLog } from "./refusal_log.ts";
import type { AgentRegistry } from "./registry.ts";

const logger = getLogger(["infranetes", "listener"]);

export interface LinkRoutesOptions {
  readonly gate: LinkGate;
  readonly enrolment: Enrolment;
  readonly registry: AgentRegistry;
  readonly log: RefusalLog;
  /** How often one VM may open a link. A correct agent waits longer from failure to failure. @default 20/s, 100 at once */
  readonly links?: Pick<BudgetsOptions, "perSecond" | "burst"> | undefined;
  /** The peer of this request is an agent. */
  readonly recognised: (request: IncomingMessage) => void;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Uint8Array;
}

const DEFAULT_LINKS = { perSecond: 20, burst: 100 };

/** What the link port answers: `POST /v1/enroll`, `GET /v1/check` and the WebSocket at `/v1/link`. */
export class LinkRoutes {
  readonly #options: LinkRoutesOptions;
  readonly #webSockets = new WebSocketServer(LINK_SERVER_OPTIONS);
  readonly #links: Budgets;

  constructor(options: LinkRoutesOptions) {
    this.#options = options;
    this.#links = new Budgets({ ...DEFAULT_LINKS, ...options.links, now: () => performance.now() });
  }

  /** Answers a plain request. Never rejects. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, type, body } = await this.#route(request).catch((error) => this.#refusal(request, error));
    response.writeHead(status, { "content-type": type, "content-length": body.length, connection: "close" });
    response.end(body);
  }

  /** Turns a request for a WebSocket into a session, or answers why not. Never rejects. */
  async upgrade(request: IncomingMessage, socket: TLSSocket, head: Buffer): Promise<void> {
    // Without a listener an error would end the process. What happens to the socket is seen by its close.
    socket.on("error", () => {});
    try {
      if (pathOf(request) !== LINK_PATH) throw new PeerRefusal(404, "There is no WebSocket at this path");
      const identity = await this.#options.gate.identify(socket);
      this.#limitLinks(identity);
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        this.#options.recognised(request);
        const transport = new WebSocketServerTransport(webSocket);
        this.#options.registry.accept(identity.vmId, identity.keyDigest, transport);
      });
    } catch (error) {
      answerOn(socket, this.#refusal(request, error));
    }
  }

  async #route(request: IncomingMessage): Promise<Answer> {
    const path = pathOf(request);
    switch (path) {
      case ENROLL_PATH:
        requireMethod(request, "POST");
        return await this.#enrol(request);
      case CHECK_PATH:
        requireMethod(request, "GET");
        return await this.#check(request);
      case LINK_PATH:
        throw new PeerRefusal(426, "This path serves WebSockets only");
      default:
        throw new PeerRefusal(404, "There is nothing at this path");
    }
  }

  async #enrol(request: IncomingMessage): Promise<Answer> {
    const body = await readBody(request);
    const enrolled = await this.#options.enrolment.enrol(parseEnroll(body));
    this.#options.recognised(request);
    const { certificate, authorities } = enrolled;
    const message = create(EnrollResponseSchema, { certificate, authorities: [...authorities] });
    return { status: 200, type: "application/x-protobuf", body: toBinary(EnrollResponseSchema, message) };
  }

  async #check(request: IncomingMessage): Promise<Answer> {
    const { vmId } = await this.#options.gate.identify(request.socket as TLSSocket);
    if (this.#links.take(vmId)) this.#options.recognised(request);
    return text(200, `VM ${vmId} may have its link`);
  }

  /** A VM that dials in a circle pays like an unknown peer. */
  #limitLinks({ vmId }: AgentIdentity): void {
    if (!this.#links.take(vmId)) throw new PeerRefusal(429, `VM ${vmId} opens too many links`, { vmId });
  }

  #refusal(request: IncomingMessage, error: unknown): Answer {
    const address = request.socket.remoteAddress ?? "unknown";
    const path = pathOf(request);
    if (error instanceof PeerRefusal) {
      const { status, message, vmId, cause } = error;
      this.#options.log.warn("Request of {address} for {path} is refused with {status}: {reason}", {
        address,
        path: path.slice(0, 100),
        status,
        reason: message,
        vmId,
        ...(cause instanceof Error && { cause: cause.message }),
      });
      return text(status, message);
    }
    logger.error("Request of {address} for {path} failed", { address, path: path.slice(0, 100), error });
    return text(500, "Request failed on the node: its log has the reason");
  }
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "").split("?")[0]!;
}

function requireMethod(request: IncomingMessage, method: string): void {
  if (request.method !== method) throw new PeerRefusal(405, `This path is served by ${method} only`);
}

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const tooLarge = () => new PeerRefusal(413, `Body is larger than ${MAX_ENROLL_BODY} bytes`);
  if (Number(request.headers["content-length"] ?? 0) > MAX_ENROLL_BODY) throw tooLarge();
  const body = new Uint8Array(MAX_ENROLL_BODY);
  let length = 0;
  try {
    // Not destroyed when it is left: the answer still has to go out.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      if (length + chunk.length > MAX_ENROLL_BODY) throw tooLarge();
      body.set(chunk, length);
      length += chunk.length;
    }
  } catch (cause) {
    if (cause instanceof PeerRefusal) throw cause;
    throw new PeerRefusal(400, "Body did not come whole", { cause });
  }
  return body.slice(0, length);
}

function parseEnroll(body: Uint8Array) {
  try {
    return fromBinary(EnrollRequestSchema, body);
  } catch (cause) {
    throw new PeerRefusal(400, "Body is no EnrollRequest", { cause });
  }
}

function text(status: number, message: string): Answer {
  return { status, type: "text/plain; charset=utf-8", body: new TextEncoder().encode(message + "\n") };
}

/** An answer on a socket that the HTTP server has let go of. Its time limits are gone too, so it is closed by us. */
function answerOn(socket: TLSSocket, { status, type, body }: Answer): void {
  const head = [`HTTP/1.1 ${status} Refused`, `Content-Type: ${type}`, `Content-Length: ${body.length}`];
  socket.write([...head, "Connection: close", "", ""].join("\r\n"));
  socket.end(body, () => socket.destroy());
}
