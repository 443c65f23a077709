// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * Generates `gen/<name>_pb.ts` from each `<name>.proto` of this folder: `deno task gen`.
 *
 * Compiler and plugin come from npm at exact versions, their transitive dependencies from `generate.lock`: they are
 * tools, so they are in neither the import map nor the lock file of the programs.
 */

// 1.74.0 and not newer: Deno resolves the packages of all platforms, and those of 1.75.0 are not all in every mirror.
const BUF = "npm:@bufbuild/buf@1.74.0";
const PROTOC_GEN_ES = "npm:@bufbuild/protoc-gen-es@2.17.0";

const PROTOCOL = import.meta.dirname!;
const LOCK = `${PROTOCOL}/generate.lock`;
const RUN = ["run", "-A", "--no-config", `--lock=${LOCK}`, "--frozen"];

/** Writes the generated files into `out`, a folder that is made if need be. Throws with buf's own words. */
export async function generate(out: string, signal?: AbortSignal): Promise<void> {
  const template = {
    version: "v2",
    plugins: [{
      local: [Deno.execPath(), ...RUN, PROTOC_GEN_ES],
      out,
      opt: ["target=ts", "import_extension=ts"],
    }],
  };
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...RUN, BUF, "generate", "--template", JSON.stringify(template)],
    cwd: PROTOCOL,
    stdout: "null",
    stderr: "piped",
    ...(signal && { signal }),
  }).output();
  if (!success) {
    throw new Error(`Cannot generate types from ${PROTOCOL}/*.proto: ${new TextDecoder().decode(stderr)}`);
  }
}

if (import.meta.main) await generate(`${PROTOCOL}/gen`);
