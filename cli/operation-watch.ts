/**
 * Follows an operation to its end, over breaks of the connection and new starts of the gateway: what is asked for goes on
 * there whether somebody looks or not.
 */
import { pause } from '#core/clock';
import type { Api } from './api.ts';
import type { Operation } from './app-answers.ts';
import { CommandFailure } from './command-failure.ts';
import { EXIT } from './exit-codes.ts';
import type { World } from './world.ts';

const PAUSE_MS = 300;
/** While the gateway does not answer. */
const BROKEN_PAUSE_MS = 1000;
/** The gateway holds its answer so long, or until the end comes. */
const HELD_S = 2;
const OVER: readonly Operation['state'][] = ['succeeded', 'failed', 'canceled'];

export interface OperationWatchOptions {
  readonly api: Api;
  readonly id: string;
  readonly world: Pick<World, 'clock' | 'interrupted'>;
  readonly limitMs: number;
  /** Told of all that was seen. */
  readonly onLook: (operation: Operation) => void;
  /** The gateway does not answer. Told once a break. */
  readonly onBreak: (message: string) => void;
}

/** As it was seen last: over, unless time was. @throws CommandFailure when the gateway refuses to say */
export async function watchOperation(options: OperationWatchOptions): Promise<Operation | null> {
  const { api, id, world, limitMs, onLook, onBreak } = options;
  const { clock, interrupted } = world;
  const end = clock.now() + limitMs;
  let last: Operation | null = null;
  let isBroken = false;
  for (;;) {
    try {
      const headers = { prefer: `wait=${HELD_S}` };
      last = await api.json<Operation>('GET', operationPath(id), { headers });
      isBroken = false;
      onLook(last);
      if (isOver(last)) return last;
    } catch (error) {
      const isPassing = error instanceof CommandFailure && (error.exit === EXIT.failed || error.exit === EXIT.timeout);
      if (interrupted.aborted || !isPassing) throw error;
      if (!isBroken) onBreak(error.message);
      isBroken = true;
    }
    const leftMs = end - clock.now();
    if (leftMs <= 0) return last;
    const waitMs = Math.min(leftMs, isBroken ? BROKEN_PAUSE_MS : PAUSE_MS);
    if ((await pause(clock, waitMs, interrupted)) === 'aborted') return last;
  }
}

export function isOver({ state }: Pick<Operation, 'state'>): boolean {
  return OVER.includes(state);
}

export function operationPath(id: string, ...below: readonly string[]): string {
  return ['/v1/operations', encodeURIComponent(id), ...below].join('/');
}
