// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
if (Deno.args[0] === "monitor") {
  Deno.exit(await (await import("./monitor/main.ts")).monitorMain(Deno.args[1]!));
}
