// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { InvalidArgumentError, UnsupportedError } from "../../../lib/errors.ts";
import { Signal } from "../../../protocol/gen/cri_pb.ts";
import type { Os } from "../../os/os.ts";

/**
 * Number, on this system, of the signal that ends a container politely. CRI numbers signals in a list of its own.
 *
 * @throws {InvalidArgumentError} if CRI has no such signal; {@linkcode UnsupportedError} if this system has none
 */
export function stopSignalNumber(signal: Signal, os: Os): number {
  const name = signal === Signal.RUNTIME_DEFAULT ? "SIGTERM" : Signal[signal];
  if (name === undefined) throw new InvalidArgumentError(`Stop signal ${signal} is not a signal of CRI`);
  const number = os.signalNumber(name.replace("PLUS", "+").replace("MINUS", "-"));
  if (number === undefined) throw new UnsupportedError(`Stop signal ${name} does not exist on ${os.name}`);
  return number;
}
