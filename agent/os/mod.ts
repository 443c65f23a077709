// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { UnsupportedError } from "../../lib/errors.ts";
import type { Os } from "./os.ts";

/**
 * The operating system that this process runs on.
 * @throws {UnsupportedError} where nobody wrote an implementation
 */
export async function loadOs(): Promise<Os> {
  switch (Deno.build.os) {
    case "linux":
      return new (await import("./linux.ts")).LinuxOs();
    case "windows":
      return new (await import("./windows.ts")).WindowsOs();
    default:
      throw new UnsupportedError(`Operating system ${Deno.build.os} has no agent: it runs on Linux`);
  }
}
