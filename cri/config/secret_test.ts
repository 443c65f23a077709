// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import * as z from "zod";
import { zodProblems } from "./zod_problems.ts";

Deno.test("zodProblems() does not show values that the schema marks as secret, nor what is below them", () => {
  const schema = z.strictObject({
    token: z.string().regex(/^t-/).meta({ writeOnly: true }),
    keys: z.strictObject({ id: z.number() }).meta({ writeOnly: true }),
    open: z.number(),
  });
  const problems = zodProblems(schema, { token: "hunter2", keys: { id: "hunter3" }, open: "shown" });
  assert.deepEqual(problems.map(({ path, given }) => [path.join("."), given]), [
    ["token", undefined],
    ["keys.id", undefined],
    ["open", '"shown"'],
  ]);
  assert(!JSON.stringify(problems).includes("hunter"));
});
