/**
 * The upstream of one replica, as far as it has one: in the pool exactly while the replica may be dialled, under watch
 * for as long, and a new one after every sleep, so that connections kept from before are never used again.
 */
import type { Clock } from '#core/clock';
import type { Endpoint, ReplicaSnapshot } from '#core/set';
import type { Pool } from '#router/pool';
import { Upstream } from '#router/upstream';
import { HealthWatch } from './health-watch.ts';
import type { Probe } from './probe.ts';

export interface ActivationOptions {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly probe: Probe;
  /** Ready (`first`: for the first time since the container's start) or no longer so, and why. */
  readonly onChange: (change: { readonly ready: boolean; readonly first: boolean; readonly reason: string }) => void;
}

/**
 * `serve`: it is to take requests. `finish`: it is about to sleep; an upstream that is there stays until it is dropped,
 * none is made. `down`: it must not be dialled.
 */
export type Duty = 'serve' | 'finish' | 'down';

export class Activation {
  readonly #options: ActivationOptions;
  #upstream: Upstream | null = null;
  #watch: HealthWatch | null = null;
  /** Upstreams of this run that left the pool with requests in flight. */
  #former: Upstream[] = [];
  /** Those that left it while others may still count on them. */
  #leaving: Upstream[] = [];
  #endpoints: readonly Endpoint[] = [];
  #weight: number | null = null;
  /** It answered when it was last asked, so it needs no probe when it comes back from being frozen. */
  #answered = false;
  #wasReady = false;

  constructor(options: ActivationOptions) {
    this.#options = options;
  }

  get upstream(): Upstream | null {
    return this.#upstream;
  }

  get isReady(): boolean {
    return this.#upstream !== null && this.#upstream.health.health === 'healthy' && !this.#upstream.draining;
  }

  /** It was ready at some time since the container's start. */
  get wasReady(): boolean {
    return this.#wasReady;
  }

  /** It answered when it was last asked, whether it may be dialled now or not. */
  get answered(): boolean {
    return this.#answered;
  }

  /** How long the upstream has not been ready, in ms; null while it is ready or there is none. */
  get unreadyMs(): number | null {
    const since = this.#watch?.unreadySince ?? null;
    return since === null ? null : this.#options.clock.now() - since;
  }

  /** Requests in flight to this run of the container. */
  get inFlight(): number {
    this.#former = this.#former.filter((one) => one.inFlight > 0);
    const left = [...this.#former, ...this.#leaving];
    return left.reduce((sum, one) => sum + one.inFlight, this.#upstream?.inFlight ?? 0);
  }

  /** Brings the upstream in line with what is known of the container. */
  settle(snapshot: ReplicaSnapshot, duty: Duty): void {
    if (snapshot.status === 'running') this.#follow(snapshot);
    if (snapshot.status === 'stopping') {
      // What is in flight may be finished; what it still answers to probes means nothing any more.
      this.#watch?.stop();
      this.drain();
      return;
    }
    // One that outlived its stop signal begins anew as well.
    if (duty === 'down' || this.#endpoints.length === 0 || this.#watch?.isOver) this.drop();
    if (duty === 'serve' && this.#endpoints.length > 0 && this.#upstream === null) this.#raise(snapshot);
  }

  /** Gives it another share of the traffic, at once: whoever moves traffic counts on it. */
  weigh(weight: number): void {
    this.#weight = weight;
    if (this.#upstream !== null) this.#options.pool.weigh(this.#upstream, weight);
  }

  drain(draining = true): void {
    if (this.#upstream !== null) this.#options.pool.drain(this.#upstream, draining);
  }

  drop(): void {
    const upstream = this.#upstream;
    if (upstream === null) return;
    this.#watch?.stop();
    this.#watch = null;
    this.#upstream = null;
    this.#leaving.push(upstream);
    // So that the pool tells when the last request to it is finished.
    this.#options.pool.drain(upstream);
    this.#options.pool.remove(upstream);
  }

  /** Nobody counts on upstreams that were dropped before: what is in flight to them is all there will be. */
  cleared(): void {
    this.#former.push(...this.#leaving);
    this.#leaving = [];
  }

  /** The container ended or began anew: nothing known of its last life holds. */
  forget(): void {
    this.drop();
    this.#former = [];
    this.#leaving = [];
    this.#answered = false;
    this.#wasReady = false;
    this.#endpoints = [];
  }

  suspect(upstream: Upstream): void {
    if (upstream === this.#upstream) this.#watch?.suspect();
  }

  /** Takes over where it can be dialled. A picture without any address and without a reason leaves things as they are. */
  #follow({ endpoints, unroutable }: ReplicaSnapshot): void {
    if (endpoints.length === 0 && unroutable === null) return;
    if (sameEndpoints(this.#endpoints, endpoints)) return;
    this.#answered = false;
    this.#endpoints = endpoints;
    this.drop();
  }

  #raise(snapshot: ReplicaSnapshot): void {
    const { pool, clock, probe } = this.#options;
    const weight = this.#weight ?? snapshot.weight;
    const upstream = new Upstream({ ...snapshot, weight, endpoints: this.#endpoints });
    const watch = new HealthWatch({
      pool,
      upstream,
      probe,
      clock,
      onChange: (ready, reason) => this.#changed(ready, reason),
    });
    this.#upstream = upstream;
    this.#watch = watch;
    pool.add(upstream);
    watch.start(this.#answered);
  }

  #changed(ready: boolean, reason: string): void {
    const first = ready && !this.#wasReady;
    this.#answered = ready;
    this.#wasReady ||= ready;
    this.#options.onChange({ ready, first, reason });
  }
}

function sameEndpoints(a: readonly Endpoint[], b: readonly Endpoint[]): boolean {
  return (
    a.length === b.length &&
    a.every((one, i) => {
      const other = b[i];
      return other?.port === one.port && other.dialHost === one.dialHost && other.dialPort === one.dialPort;
    })
  );
}
