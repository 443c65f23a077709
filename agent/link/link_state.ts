// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import * as v from "valibot";
import { writeDurably } from "../../lib/durable_file.ts";
import { FailedPreconditionError } from "../../lib/errors.ts";

const linkState = v.strictObject({
  version: v.literal(1),
  vmId: v.string(),
  epoch: v.pipe(v.number(), v.safeInteger()),
  nodes: v.array(v.string()),
  orphanTimeoutMs: v.number(),
});

export interface LinkFacts {
  /** Of the last session that was dialled, 0 before the first. */
  readonly epoch: number;
  /** Where the node listens, as it said last. Empty: as user data says. */
  readonly nodes: readonly string[];
  /** As the node said last. 0 = never. */
  readonly orphanTimeoutMs: number;
}

const INITIAL: LinkFacts = { epoch: 0, nodes: [], orphanTimeoutMs: 0 };

/** What the agent must remember of its link when it, or the VM, is started again. */
export class LinkState {
  readonly #path: string;
  readonly #vmId: string;
  #facts: LinkFacts;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, vmId: string, facts: LinkFacts) {
    this.#path = path;
    this.#vmId = vmId;
    this.#facts = facts;
  }

  /**
   * That of another VM, on a copy of its disk, does not count.
   * @throws {FailedPreconditionError} if the file is damaged
   */
  static async open(path: string, vmId: string): Promise<LinkState> {
    const found = await read(path);
    if (found?.vmId !== vmId) return new LinkState(path, vmId, INITIAL);
    const { epoch, nodes, orphanTimeoutMs } = found;
    return new LinkState(path, vmId, { epoch, nodes, orphanTimeoutMs });
  }

  get facts(): LinkFacts {
    return this.#facts;
  }

  /** Resolves when the change is on the disk. Changes reach it in the order of the calls. */
  update(change: Partial<LinkFacts>): Promise<void> {
    const next = { ...this.#facts, ...change };
    if (JSON.stringify(next) === JSON.stringify(this.#facts)) return this.#writing;
    this.#facts = next;
    const { epoch, nodes, orphanTimeoutMs } = next;
    const content = JSON.stringify({ version: 1, vmId: this.#vmId, epoch, nodes, orphanTimeoutMs });
    const write = () => writeDurably(this.#path, content + "\n");
    const writing = this.#writing.then(write, write);
    this.#writing = writing;
    return writing;
  }
}

async function read(path: string) {
  try {
    return v.parse(linkState, JSON.parse(await Deno.readTextFile(path)));
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw new FailedPreconditionError(
      `State of the link in '${path}' cannot be read: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}
