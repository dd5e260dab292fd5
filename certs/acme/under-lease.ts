/** Work that one process at a time may do: the lease is renewed while it goes on, and let go at its end. */
import type { Clock, Timer } from '#core/clock';
import type { Lease, Store } from '#store/store';

/** After a crash another process waits so long. */
const LEASE_MS = 60_000;
const RENEW_MS = 20_000;

export interface LeaseTerms {
  readonly store: Pick<Store, 'acquireLease' | 'releaseLease'>;
  readonly clock: Clock;
  readonly name: string;
  readonly holder: string;
}

/** False: another process has the lease, and nothing was done. */
export async function underLease(
  { store, clock, name, holder }: LeaseTerms,
  work: (lease: Lease) => Promise<void>,
): Promise<boolean> {
  const lease = await store.acquireLease(name, holder, LEASE_MS, clock.wall());
  if (lease === null) return false;
  // Lost, what the work brings is not taken: the vault asks for the lease.
  let renewal: Promise<unknown> = Promise.resolve();
  const renew = (): Timer =>
    clock.after(RENEW_MS, () => {
      renewal = store.acquireLease(name, holder, LEASE_MS, clock.wall()).catch(() => {});
      timer = renew();
    });
  let timer = renew();
  try {
    await work(lease);
    return true;
  } finally {
    timer.cancel();
    // One that is under way would take it once more.
    await renewal;
    await store.releaseLease(lease);
  }
}
