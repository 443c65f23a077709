// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import * as v from "valibot";
import { InvalidArgumentError } from "../../lib/errors.ts";
import { VM_ID_REGEXP } from "../../protocol/enrolment.ts";
import type { UserData } from "../../protocol/user_data.ts";
import { isNodeAddress } from "./node_address.ts";

// Messages of our own throughout: valibot's quote what they got, and that may be the join token.
const text = (message: string) => v.string(message);

const userData = v.strictObject({
  version: v.literal(1, "Must be 1: this agent is too old for other versions"),
  vmId: v.pipe(text("Must be a string"), v.regex(VM_ID_REGEXP, "Must be 32 lower-case hex digits")),
  joinToken: v.exactOptional(
    v.pipe(
      text("Must be a string"),
      v.regex(/^[A-Za-z0-9_-]{22,}$/, "Must be base64url of at least 128 bits"),
    ),
  ),
  caCertificate: v.pipe(
    text("Must be a string"),
    v.regex(
      /^-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----\s*$/,
      "Must be one certificate, PEM",
    ),
  ),
  nodes: v.pipe(
    v.array(v.pipe(text("Must be a string"), v.check(isNodeAddress, "Must be host:port")), "Must be a list"),
    v.minLength(1, "Must name at least one address"),
  ),
}, "Must be an object with the known keys only");

/**
 * Reads what the VM was told at its start.
 * @throws {InvalidArgumentError} with every problem and its place
 */
export async function readUserData(path: string): Promise<UserData> {
  let content: unknown;
  try {
    content = JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    // A syntax error's message quotes the text.
    const reason = error instanceof SyntaxError ? "it is no JSON" : (error as Error).message;
    throw new InvalidArgumentError(`User data in '${path}' cannot be read: ${reason}`);
  }
  const result = v.safeParse(userData, content);
  if (result.success) return result.output;
  const problems = result.issues.map((issue) => `${v.getDotPath(issue) ?? "(top)"}: ${issue.message}`);
  throw new InvalidArgumentError(`User data in '${path}' is wrong: ${problems.join("; ")}`);
}
