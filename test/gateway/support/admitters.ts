/**
 * Admitters for tests where waking is not the subject: they hold a request until the test lets it go.
 */
import type { Admission, AdmissionRequest, Admitter, WakePhases } from '#router/admission';
import type { Pool } from '#router/pool';

/** One request that is held. */
export interface Held {
  readonly pool: Pool;
  readonly request: AdmissionRequest;
  readonly signal: AbortSignal;
  readonly settle: (admission: Admission) => void;
}

/** Holds every request until the test settles it, or until its signal aborts. */
export class HandAdmitter implements Admitter {
  readonly held: Held[] = [];
  knocks = 0;
  knockAnswer: ReturnType<Admitter['knock']> = null;

  /** Forgets everything, for the next lane. */
  reset(): void {
    this.held.length = 0;
    this.knocks = 0;
  }

  admit(pool: Pool, request: AdmissionRequest, signal: AbortSignal): Promise<Admission> {
    return new Promise((resolve) => {
      const held: Held = { pool, request, signal, settle: resolve };
      this.held.push(held);
      signal.addEventListener('abort', () => resolve({ outcome: 'timed-out', retryAfterS: 2 }), { once: true });
    });
  }

  knock(): ReturnType<Admitter['knock']> {
    this.knocks++;
    return this.knockAnswer;
  }

  /** Admits the oldest held request to what its pool can give it now. */
  admitOldest(wakeMs: number | null, phases?: WakePhases): void {
    const held = this.held.shift();
    if (held === undefined) throw new Error('nothing is held');
    const upstream = held.pool.claim(held.request.hash, held.request.tried, held.request.wish);
    if (upstream === null) throw new Error('the pool has nothing to give');
    held.settle({ outcome: 'admitted', upstream, wakeMs, ...(phases === undefined ? {} : { phases }) });
  }
}
