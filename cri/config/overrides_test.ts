// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { ExitCode } from "../cli/exit_code.ts";
import { configJsonSchema } from "./json_schema.ts";
import { applyOverrides, OVERRIDES, unknownVariables } from "./overrides.ts";

async function documentedRows(heading: string): Promise<string[][]> {
  const text = await Deno.readTextFile(new URL("../../docs/configuration.md", import.meta.url));
  const table = text.slice(text.indexOf(`| ${heading}`)).split("\n\n")[0]!;
  return table.trim().split("\n").slice(2).map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim().replaceAll("`", ""))
  );
}

Deno.test("docs/configuration.md has the table of overrides as it is", async () => {
  const rows = OVERRIDES.map((
    { path, environment, flag },
  ) => [path.join("."), environment, flag ? `--${flag}` : ""]);
  assert.deepEqual(await documentedRows("field"), rows);
});

Deno.test("docs/configuration.md has every exit code", async () => {
  const codes = (await documentedRows("code")).map(([code]) => Number(code));
  assert.deepEqual(codes, Object.values(ExitCode));
});

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
}

for (const { path, environment } of OVERRIDES) {
  Deno.test(`${environment} overrides a field that exists`, () => {
    const field = path.reduce<SchemaNode | undefined>(
      (node, key) => node?.properties?.[key],
      configJsonSchema(),
    );
    assert(field, path.join("."));
  });
}

Deno.test("applyOverrides() leaves the file's own value alone", () => {
  const file = { log: { level: "info" } };
  const { value } = applyOverrides(file, {}, { "log-level": "debug" });
  assert.deepEqual([file, value], [{ log: { level: "info" } }, { log: { level: "debug" } }]);
});

Deno.test("unknownVariables() finds those that only look like ours", () => {
  const environment = {
    INFRANETES_SERVICE_HOST: "10.0.0.1",
    INFRANETES_NODE: "x",
    INFRANETES_CONFIG: "y",
    PATH: "z",
  };
  assert.deepEqual(unknownVariables(environment), ["INFRANETES_SERVICE_HOST"]);
});
