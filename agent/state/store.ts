// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { writeDurably } from "../../lib/durable_file.ts";
import { UnavailableError } from "../../lib/errors.ts";
import {
  type ConfigureRequest,
  ConfigureRequestSchema,
  type CreateRequest,
  CreateRequestSchema,
} from "../../protocol/gen/agent_pb.ts";
import { readIfExists, removeIfExists } from "./atomic_file.ts";

const SANDBOX_FILE = "sandbox.json";
const CONTAINER_FILE = "container.json";
const CONTAINERS = "containers";
const LOCK_FILE = "agent.lock";

/** A container as it was created. */
export interface StoredContainer {
  readonly request: CreateRequest;
  readonly createdAtNs: bigint;
  readonly warnings: readonly string[];
}

interface SandboxFile {
  readonly version: 1;
  /** ConfigureRequest, base64. */
  readonly request: string;
}

interface ContainerFile {
  readonly version: 1;
  /** CreateRequest, base64. */
  readonly request: string;
  readonly createdAtNs: string;
  readonly warnings: readonly string[];
}

/**
 * What the agent keeps on its VM's disk:
 *
 *     agent.lock              held by the one agent that works here
 *     sandbox.json            the binding to a sandbox, once and for ever, with the raw PodSandboxConfig
 *     containers/<id>/        made before anything of the container is done, deleted after everything is
 *       container.json        the fact that it was created, with the raw ContainerConfig
 *       ...                   the engine's own
 *
 * A directory without `container.json` is half made or half deleted: it means nothing and is cleared away at the start.
 */
export class AgentStore implements Disposable {
  readonly #root: string;
  readonly #lock: Deno.FsFile;

  /** @throws {UnavailableError} if another agent works there */
  constructor(root: string) {
    this.#root = root;
    Deno.mkdirSync(`${root}/${CONTAINERS}`, { recursive: true, mode: 0o700 });
    this.#lock = Deno.openSync(`${root}/${LOCK_FILE}`, { write: true, create: true, mode: 0o600 });
    if (this.#lock.tryLockSync(true)) return;
    this.#lock.close();
    throw new UnavailableError(
      `Another vmserver works in ${Deno.realPathSync(root)}: end it or choose another directory`,
    );
  }

  /** The binding to a sandbox. Undefined while there is none. */
  sandbox(): ConfigureRequest | undefined {
    const file = readVersioned<SandboxFile>(`${this.#root}/${SANDBOX_FILE}`);
    return file && fromBinary(ConfigureRequestSchema, Uint8Array.fromBase64(file.request));
  }

  /** Resolves when it is on the disk. */
  async bind(request: ConfigureRequest): Promise<void> {
    const file: SandboxFile = { version: 1, request: toBinary(ConfigureRequestSchema, request).toBase64() };
    await writeDurably(`${this.#root}/${SANDBOX_FILE}`, JSON.stringify(file));
  }

  /** The container's own directory, relative to the store's if that is: unix sockets have short paths. */
  directory(id: string): string {
    return this.#root === "." ? `${CONTAINERS}/${id}` : `${this.#root}/${CONTAINERS}/${id}`;
  }

  /** Makes a container's directory, before anything of the container is done. What a killed attempt left is cleared away. */
  prepare(id: string): void {
    this.delete(id);
    Deno.mkdirSync(this.directory(id), { mode: 0o700 });
  }

  /** The container is created: when this resolves, it will be there after a restart. */
  async add(id: string, { request, createdAtNs, warnings }: StoredContainer): Promise<void> {
    const file: ContainerFile = {
      version: 1,
      request: toBinary(CreateRequestSchema, request).toBase64(),
      createdAtNs: String(createdAtNs),
      warnings,
    };
    await writeDurably(`${this.directory(id)}/${CONTAINER_FILE}`, JSON.stringify(file));
  }

  /** Forgets a container. No error if there is none. */
  delete(id: string): void {
    const directory = this.directory(id);
    removeIfExists(`${directory}/${CONTAINER_FILE}`);
    try {
      Deno.removeSync(directory, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** The containers that were created. Clears away what is half made or half deleted. */
  containers(): Map<string, StoredContainer> {
    const found = new Map<string, StoredContainer>();
    for (const { name } of [...Deno.readDirSync(`${this.#root}/${CONTAINERS}`)]) {
      const file = readVersioned<ContainerFile>(`${this.directory(name)}/${CONTAINER_FILE}`);
      if (!file) {
        this.delete(name);
        continue;
      }
      found.set(name, {
        request: fromBinary(CreateRequestSchema, Uint8Array.fromBase64(file.request)),
        createdAtNs: BigInt(file.createdAtNs),
        warnings: file.warnings,
      });
    }
    return found;
  }

  [Symbol.dispose](): void {
    this.#lock.close();
  }
}

function readVersioned<T extends { readonly version: 1 }>(path: string): T | undefined {
  const text = readIfExists(path);
  if (text === undefined) return undefined;
  const file = JSON.parse(text) as T;
  if (file.version === 1) return file;
  throw new Error(`Cannot read ${path}: it has version ${file.version}, this program knows version 1`);
}
