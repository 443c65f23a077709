// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { configure, getLogger, reset } from "@logtape/logtape";
import type { LogRecord } from "@logtape/logtape";

/** Everything that is logged, as one text a record with all properties in it. */
export class RecordedLogs implements AsyncDisposable {
  readonly texts: string[] = [];
  #wake = Promise.withResolvers<void>();

  record(record: LogRecord): void {
    const message = record.message.map((part) => typeof part === "string" ? part : Deno.inspect(part)).join(
      "",
    );
    const properties = Deno.inspect(record.properties, { depth: 20, strAbbreviateSize: 100_000 });
    this.texts.push(`${record.category.join(".")} ${record.level} ${message} ${properties}`);
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  /** The first record that fits, as soon as there is one. */
  async next(fits: (text: string) => boolean): Promise<string> {
    for (;;) {
      const found = this.texts.find(fits);
      if (found !== undefined) return found;
      await this.#wake.promise;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await reset();
  }
}

export async function recordLogs(): Promise<RecordedLogs> {
  const logs = new RecordedLogs();
  await configure({
    sinks: { memory: (record) => logs.record(record) },
    loggers: [
      { category: [], sinks: ["memory"], lowestLevel: "trace" },
      { category: ["logtape", "meta"], sinks: [], lowestLevel: "fatal" },
    ],
    reset: true,
  });
  getLogger(["test"]).trace("recording");
  return logs;
}
