/**
 * A store that others could work on as well: one Tidegate at a time does, told apart by an id that stays with its state
 * directory, so that it goes on at once where a process before it was killed.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Clock, Timer } from '#core/clock';
import { messageOf, TidegateError } from '#core/errors';
import { newId } from '#core/id';
import type { Log } from '#core/log';
import type { Store } from '#store/store';

const FILE = 'instance';
const LEASE = 'tidegate';
/** Another one may have it so long after the last sign of life. */
const LEASE_MS = 30_000;
const RENEW_MS = 5000;

/** The same for every process on the state directory, and another one on every other. */
export function instanceOf(directory: string, now: number): string {
  const file = path.join(directory, FILE);
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    const id = newId('ins', now, randomBytes);
    writeFileSync(file, `${id}\n`, { mode: 0o600 });
    return id;
  }
}

export interface HoldOptions {
  readonly store: Pick<Store, 'acquireLease' | 'releaseLease'>;
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Takes hold of the store until the end, which lets go of it.
 * @throws TidegateError `store.locked` when another Tidegate has it
 */
export async function holdStore({ store, instance, clock, log }: HoldOptions): Promise<() => Promise<void>> {
  const take = () => store.acquireLease(LEASE, instance, LEASE_MS, clock.wall());
  let lease = await take();
  if (lease === null) {
    throw new TidegateError('store.locked', 'another Tidegate works on the store that TIDEGATE_STORE names');
  }
  let isLost = false;
  const renew = async (): Promise<void> => {
    try {
      const renewed = await take();
      if (renewed === null && !isLost) log.error('another Tidegate has taken the store over: stop one of the two', {});
      isLost = renewed === null;
      lease = renewed ?? lease;
    } catch (error) {
      log.warn('the hold on the store could not be renewed', { error: messageOf(error) });
    }
    timer = later();
  };
  const later = (): Timer => clock.after(RENEW_MS, () => void renew());
  let timer = later();
  return async () => {
    timer.cancel();
    if (lease !== null) await store.releaseLease(lease).catch(() => {});
  };
}
