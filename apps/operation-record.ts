/** An operation: a long-running API action that people and programs follow to its end. */

export const OPERATION_KIND = 'operation';
export const APP_REMOVAL = 'app.delete';
export const SET_REMOVAL = 'set.delete';

export const OPERATION_STATES = ['pending', 'running', 'canceling', 'succeeded', 'failed', 'canceled'] as const;
export type OperationState = (typeof OPERATION_STATES)[number];

export interface OperationStep {
  readonly name: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly ms: number;
}

/** A pull that an operation waits for now. It is seen, and not kept. */
export interface PullSight {
  /** Name of the container that the image is for. */
  readonly container: string;
  /** Bytes of the layers whose size is known by now. */
  readonly done: number;
  readonly total: number;
  /** Since its beginning. */
  readonly ms: number;
}

export interface OperationRecord {
  /** `opr_…`. */
  readonly id: string;
  readonly tenant: string;
  /** Null: about no app in particular. */
  readonly app: string | null;
  /** `deployment`, `app.delete`, … */
  readonly type: string;
  /** What it is about: `shop`, `shop/web`. */
  readonly target: string;
  readonly state: OperationState;
  /** Where it is, in one word; '' before it began. */
  readonly phase: string;
  readonly progress: { readonly done: number; readonly total: number };
  readonly steps: readonly OperationStep[];
  /** What came of it; null: nothing yet, or nothing to show. */
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly error: {
    readonly code: string;
    readonly detail: string;
    readonly data?: Readonly<Record<string, unknown>>;
  } | null;
  readonly by: string;
  readonly pull?: PullSight;
  /** When what a removal is about was made: what was made anew since under its name is not meant. Ms since the epoch. */
  readonly madeAt?: number;
  /** Ms since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

export function isOperationOver(state: OperationState): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'canceled';
}
