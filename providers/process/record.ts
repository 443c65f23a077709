// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import * as z from "zod";

const tags = z.strictObject({
  cluster: z.string(),
  node: z.string(),
  vmId: z.string(),
  sandboxId: z.string(),
  createdAt: z.number(),
});

const record = z.strictObject({
  version: z.literal(1),
  token: z.string(),
  tags,
  address: z.string(),
});

/** What `vm.json` says. Written once, before anything of the VM runs. */
export type VmRecord = z.output<typeof record>;

/** Undefined for anything but a record. */
export function parseRecord(text: string): VmRecord | undefined {
  try {
    return record.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function formatRecord(value: VmRecord): string {
  return JSON.stringify(value, null, 2) + "\n";
}
