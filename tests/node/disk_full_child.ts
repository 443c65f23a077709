// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** Records facts until its files may not grow any more, and tells what came of it. Run by `disk_full_test.ts`. */
import { openFactStore } from "../../cri/state/store.ts";
import { sandboxRow, vmRow } from "../../cri/testing/rows.ts";

const [file] = Deno.args;
const store = openFactStore(file!);
let changesTold = 0;
store.onchange = () => changesTold++;
let recorded = 0;
let failure: unknown;

while (failure === undefined) {
  const id = String(recorded).padStart(64, "0");
  const vmId = String(recorded).padStart(32, "0");
  try {
    store.transaction("sandbox intent", () => {
      const config = crypto.getRandomValues(new Uint8Array(8_000));
      store.sandboxes.insert(sandboxRow({ id, vmId, config, attempt: recorded }), "sandbox intent");
      store.vms.insert(vmRow({ vmId, sandboxId: id, createToken: id }), "VM intent");
    }, { durable: true });
    recorded++;
  } catch (error) {
    failure = error;
  }
}
const toldBeforeRoom = changesTold;
let smallFactAfterwards: string;
try {
  // A checkpoint frees the log: a small fact fits again.
  store.settings.set("after", "it fits");
  smallFactAfterwards = "recorded";
} catch (error) {
  smallFactAfterwards = String(error);
}
store[Symbol.dispose]();

const { name, message } = failure as Error;
const told = { error: name, message, recorded, changesTold: toldBeforeRoom, smallFactAfterwards };
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(told)));
