/**
 * Takes out of the vault what serves nobody any more: certificates that ended a month ago, which nobody asks about either.
 * What is in force, and what ended lately, stays for people to look at.
 */
import type { Clock, Timer } from '#core/clock';
import { messageOf } from '#core/errors';
import type { Log } from '#core/log';
import type { CertificateVault } from './certificate-vault.ts';

const DAY_MS = 86_400_000;
const KEPT_MS = 30 * DAY_MS;
/** A timer does not count much further. */
const LOOK_MS = DAY_MS;

export interface PruningOptions {
  readonly vault: Pick<CertificateVault, 'all' | 'drop'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Looks now, and once a day. Returns how to end that. */
export function pruneVault({ vault, clock, log }: PruningOptions): () => void {
  let timer: Timer | null = null;
  let isOver = false;
  const look = async (): Promise<void> => {
    let dropped = 0;
    for await (const { id, notAfter } of vault.all()) {
      if (isOver) return;
      if (notAfter + KEPT_MS > clock.wall()) continue;
      await vault.drop(id);
      dropped++;
    }
    if (dropped > 0) log.info('certificates that ended long ago were removed', { count: dropped });
  };
  const turn = (): void => {
    if (isOver) return;
    look().catch((error: unknown) => {
      log.warn('the vault could not be cleared of what has ended', { error: messageOf(error) });
    });
    timer = clock.after(LOOK_MS, turn);
  };
  turn();
  return () => {
    isOver = true;
    timer?.cancel();
  };
}
