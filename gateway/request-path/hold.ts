/**
 * One stay in the waiting room: asks the admitter, and goes when the client does. A request that already failed at an
 * upstream is held only while that upstream may be on its way out, so that a broken app is answered for and not waited
 * for.
 */
import type { Clock, Timer } from '#core/clock';
import type { Admission, AdmissionRequest, Admitter } from '#router/admission';
import type { Pool } from '#router/pool';
import type { Upstream } from '#router/upstream';

/** By then the Engine has said that a container died, or it is the app that fails while it runs. */
const STILL_THERE_MS = 1000;

export interface HoldOptions {
  readonly clock: Clock;
  readonly admitter: Admitter;
  readonly pool: Pool;
  readonly request: AdmissionRequest;
  /** The upstream that failed the request last; null: none did. */
  readonly failed: Upstream | null;
  readonly onAdmission: (admission: Admission) => void;
  /** Nothing better will come: the failed upstream stays in its place. */
  readonly onPointless: () => void;
  readonly onError: (error: unknown) => void;
}

export class Hold {
  readonly #options: HoldOptions;
  readonly #abort = new AbortController();
  #timer: Timer | null = null;
  #over = false;

  constructor(options: HoldOptions) {
    this.#options = options;
    const { admitter, pool, request, clock, failed } = options;
    if (failed !== null) this.#timer = clock.after(STILL_THERE_MS, () => this.#lookAgain(failed));
    admitter.admit(pool, request, this.#abort.signal).then(
      (admission) => this.#onAdmission(admission),
      (error: unknown) => this.#end(() => options.onError(error)),
    );
  }

  /** Leaves the waiting room. An upstream claimed for it meanwhile is released. */
  cancel(): void {
    this.#over = true;
    this.#timer?.cancel();
    this.#abort.abort();
  }

  #onAdmission(admission: Admission): void {
    if (this.#over) {
      if (admission.outcome === 'admitted') this.#options.pool.release(admission.upstream);
      return;
    }
    this.#end(() => this.#options.onAdmission(admission));
  }

  #lookAgain(failed: Upstream): void {
    const leaves = failed.removed || failed.draining || failed.health.health !== 'healthy';
    const { clock, pool } = this.#options;
    const restMs = pool.policy.wakeTimeoutMs - STILL_THERE_MS;
    // Told by its signal the admitter ends the wait itself, as timed out.
    if (leaves && restMs > 0) {
      this.#timer = clock.after(restMs, () => this.#abort.abort());
      return;
    }
    this.cancel();
    this.#options.onPointless();
  }

  #end(then: () => void): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.cancel();
    then();
  }
}
