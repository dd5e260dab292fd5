/** Failures that say nothing about what was asked for: the Engine itself cannot be reached now. */
import { isTidegateError } from '#core/errors';

/** Discovery may speak of a host before its Engine is known: that passes. */
export class UnknownHost extends Error {
  constructor(host: string) {
    super(`the host ${host} is not known`);
  }
}

export function isEngineAway(error: unknown): boolean {
  return (
    error instanceof UnknownHost ||
    isTidegateError(error, 'engine.unreachable') ||
    isTidegateError(error, 'engine.timeout') ||
    isTidegateError(error, 'engine.breaker_open')
  );
}
