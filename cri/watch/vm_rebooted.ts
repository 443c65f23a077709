// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { FailedPreconditionError } from "../../lib/errors.ts";

/** The VM was started again, or has forgotten which sandbox it is: its containers are gone. */
export class VmRebootedError extends FailedPreconditionError {}
