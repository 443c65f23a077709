// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * A disk that is full while a fact is written, for real: a process whose files may not grow any more. (A full disk and
 * the limit on file sizes look alike to SQLite: its write fails.)
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openFactStore } from "../../cri/state/store.ts";

const CHILD = join(import.meta.dirname!, "disk_full_child.ts");
/** 512 bytes each, the unit of bash's `ulimit -f` in POSIX mode. */
const LIMIT_BLOCKS = 400;

Deno.test("a fact store on a full disk is UNAVAILABLE, has recorded nothing by halves, and goes on as soon as a fact fits", async () => {
  const directory = await Deno.makeTempDir({ prefix: "infranetes-full-" });
  try {
    const file = join(directory, "facts.sqlite");
    const { code, stdout, stderr } = await new Deno.Command("bash", {
      args: [
        "--posix",
        "-c",
        // Ignored, so that the write fails as it would on a full disk, instead of the process being killed.
        `trap '' XFSZ; ulimit -S -f ${LIMIT_BLOCKS}; exec "$0" run -A --quiet "$1" "$2"`,
        Deno.execPath(),
        CHILD,
        file,
      ],
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    const child = JSON.parse(new TextDecoder().decode(stdout));
    assert.equal(child.error, "UnavailableError");
    assert.match(child.message, /^Fact 'sandbox intent' could not be recorded: /);
    assert.ok(child.recorded >= 1);
    assert.equal(child.changesTold, 2 * child.recorded);
    assert.equal(child.smallFactAfterwards, "recorded");
    using store = openFactStore(file);
    // Both rows of each fact, and of the one that failed neither.
    assert.equal(store.sandboxes.all().length, child.recorded);
    assert.equal(store.vms.all().length, child.recorded);
    assert.equal(store.settings.get("after"), "it fits");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
