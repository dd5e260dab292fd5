/** The end of a deployment before its time: a value with a stack, thrown through the steps of its strategy. */
import { isTidegateError, messageOf } from '#core/errors';
import type { ReplicaSight } from './ports.ts';

/** It is not going on: somebody wants it ended, or the new revision is no good. */
export class Halt extends Error {
  readonly kind: 'canceled' | 'rolled-back' | 'failed';
  readonly code: string;
  readonly replicas: readonly ReplicaSight[];

  constructor(kind: Halt['kind'], code: string, message: string, replicas: readonly ReplicaSight[] = []) {
    super(message);
    this.kind = kind;
    this.code = code;
    this.replicas = replicas;
  }
}

/** Whatever went wrong, as the end of a deployment. */
export function haltOf(error: unknown): Halt {
  if (error instanceof Halt) return error;
  return new Halt('failed', isTidegateError(error) ? error.code : 'deployment.failed', messageOf(error));
}
