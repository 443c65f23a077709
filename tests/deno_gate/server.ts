// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** `deno run server.ts <socket>`: a CRI server whose Version tells its resident memory. Ends on SIGTERM. */

import { RuntimeService } from "../../protocol/gen/cri_pb.ts";
import { GrpcServer } from "../../protocol/grpc/mod.ts";

const server = new GrpcServer().service(RuntimeService, {
  version: ({ version }) => ({ version, runtimeVersion: String(Deno.memoryUsage().rss) }),
});
await server.listen(`unix:${Deno.args[0]}`);
Deno.addSignalListener("SIGTERM", async () => {
  await server.close();
  Deno.exit(0);
});
await Deno.stdout.write(new TextEncoder().encode("listening\n"));
