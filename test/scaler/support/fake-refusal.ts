/** Errors as the Engine port throws them. */
import { type ErrorCode, TidegateError } from '#core/errors';

export class FakeRefusal extends TidegateError {
  constructor(code: ErrorCode, message: string, status?: number) {
    super(code, message, status === undefined ? {} : { detail: { status } });
  }
}
