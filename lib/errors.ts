// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * Errors with meaning. Each condition that a caller is expected to tell apart has a class; each class says which gRPC
 * status it is on the wire (`grpcCode`, read by `protocol/status.ts`). Messages are shown to people as the pod's event:
 * what was wrong, where, and what to do.
 */
abstract class MeaningfulError extends Error {
  abstract readonly grpcCode: number;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A request that can never succeed as it is. */
export class InvalidArgumentError extends MeaningfulError {
  readonly grpcCode = 3;
}

/** The thing asked for does not exist (any more). */
export class NotFoundError extends MeaningfulError {
  readonly grpcCode = 5;
}

/** A name or id is taken by something else. */
export class AlreadyExistsError extends MeaningfulError {
  readonly grpcCode = 6;
}

/** The thing exists but is in a state in which this cannot be done. */
export class FailedPreconditionError extends MeaningfulError {
  readonly grpcCode = 9;
}

/** The peer is not who it says it is, or may not do this. */
export class UnauthorizedError extends MeaningfulError {
  readonly grpcCode = 7;
}

/** The place has no room for it now: another zone, type or time may have. */
export class CapacityError extends MeaningfulError {
  readonly grpcCode = 8;
}

/** The account's quota forbids it: waiting does not help. */
export class QuotaError extends MeaningfulError {
  readonly grpcCode = 8;
}

/** A peer cannot be reached or is shutting down; trying again may help. */
export class UnavailableError extends MeaningfulError {
  readonly grpcCode = 14;
}

/** This provider, engine or operating system cannot do what was asked. */
export class UnsupportedError extends MeaningfulError {
  readonly grpcCode = 12;
}

/** Something did not happen in the time it was given. */
export class TimeoutError extends MeaningfulError {
  readonly grpcCode = 4;
}

/** An attempt was replaced by a newer one. */
export class SupersededError extends MeaningfulError {
  readonly grpcCode = 10;
}
