/**
 * Watches the health of one upstream for as long as it is in its pool: quickly until it is ready (every few
 * milliseconds, so that a wake costs no more than the app's own start), then at the policy's interval, and at once when
 * a request could not be served by it.
 */
import type { Clock, Timer } from '#core/clock';
import { formatDuration } from '#core/duration';
import { messageOf } from '#core/errors';
import type { Pool } from '#router/pool';
import type { Upstream } from '#router/upstream';
import type { Probe, ProbeResult } from './probe.ts';

/** While an upstream is not ready: probe every … ms as long as it has been so for less than … ms. */
const HASTE: readonly { readonly untilMs: number; readonly everyMs: number }[] = [
  { untilMs: 1000, everyMs: 5 },
  { untilMs: 5000, everyMs: 20 },
  { untilMs: 60_000, everyMs: 50 },
];
/** No policy makes probes follow each other faster. */
const INTERVAL_MIN_MS = 5;
/** Doubt costs at most one extra probe in this time. */
const SUSPICION_MS = 50;

export interface HealthWatchOptions {
  readonly pool: Pool;
  readonly upstream: Upstream;
  readonly probe: Probe;
  readonly clock: Clock;
  /** The upstream became ready, or stopped being so (with the reason of the last failed probe). */
  readonly onChange: (ready: boolean, reason: string) => void;
}

export class HealthWatch {
  readonly #options: HealthWatchOptions;
  readonly #stop = new AbortController();
  #timer: Timer | null = null;
  #probing = false;
  #suspected = false;
  #lastSuspicion = Number.NEGATIVE_INFINITY;
  /** It was said that it does not become ready. */
  #lamented = false;
  /** Since when the upstream is not ready; null while it is. */
  #unreadySince: number | null;

  constructor(options: HealthWatchOptions) {
    this.#options = options;
    this.#unreadySince = options.clock.now();
  }

  /** Since when the upstream is not ready, monotonic ms; null while it is. */
  get unreadySince(): number | null {
    return this.#unreadySince;
  }

  /** It was stopped. */
  get isOver(): boolean {
    return this.#stop.signal.aborted;
  }

  /**
   * Begins to probe.
   * @param known the upstream answered before it was frozen: it is ready at once, and watched from now on
   */
  start(known: boolean): void {
    if (!known) {
      void this.#look();
      return;
    }
    this.#signal('pass', '');
    this.#schedule();
  }

  /** A request could not be served: look now. One failed probe is then enough to take the upstream out. */
  suspect(): void {
    const now = this.#options.clock.now();
    if (this.isOver || this.#unreadySince !== null || now - this.#lastSuspicion < SUSPICION_MS) return;
    this.#lastSuspicion = now;
    this.#suspected = true;
    this.#timer?.cancel();
    void this.#look();
  }

  stop(): void {
    this.#stop.abort();
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    if (this.#probing) return;
    this.#probing = true;
    const doubted = this.#suspected;
    this.#suspected = false;
    const result = await this.#probe();
    this.#probing = false;
    if (this.isOver) return;
    if (result.passed) this.#signal('pass', '');
    else {
      const times = doubted ? this.#options.pool.policy.health.fall : 1;
      for (let i = 0; i < times; i++) this.#signal('fail', result.reason);
      this.#lament(result.reason);
    }
    if (this.#suspected) void this.#look();
    else this.#schedule();
  }

  /** Asks once. A probe that throws is one that failed. */
  async #probe(): Promise<ProbeResult> {
    const { pool, upstream, probe } = this.#options;
    const endpoint = upstream.endpoint(null);
    if (endpoint === null) return { passed: false, reason: 'no address' };
    try {
      return await probe(endpoint, pool.policy, this.#stop.signal);
    } catch (error) {
      return { passed: false, reason: messageOf(error) };
    }
  }

  #signal(signal: 'pass' | 'fail', reason: string): void {
    const { pool, upstream, clock, onChange } = this.#options;
    if (!pool.signal(upstream, signal)) return;
    const ready = upstream.health.health === 'healthy';
    this.#unreadySince = ready ? null : clock.now();
    this.#lamented = false;
    onChange(ready, reason);
  }

  /** Says once what stands in the way of an upstream that has not become ready in the time that requests wait for it. */
  #lament(reason: string): void {
    const { pool, clock, onChange } = this.#options;
    const { wakeTimeoutMs } = pool.policy;
    if (this.#lamented || this.#unreadySince === null || clock.now() - this.#unreadySince < wakeTimeoutMs) return;
    this.#lamented = true;
    onChange(false, `not ready after ${formatDuration(wakeTimeoutMs)}: ${reason}`);
  }

  #schedule(): void {
    this.#timer?.cancel();
    if (this.isOver) return;
    this.#timer = this.#options.clock.after(this.#delayMs(), () => void this.#look());
  }

  #delayMs(): number {
    const intervalMs = Math.max(INTERVAL_MIN_MS, this.#options.pool.policy.health.intervalMs);
    if (this.#unreadySince === null) return intervalMs;
    const unreadyMs = this.#options.clock.now() - this.#unreadySince;
    const haste = HASTE.find((one) => unreadyMs < one.untilMs);
    return haste === undefined ? intervalMs : Math.min(intervalMs, haste.everyMs);
  }
}
