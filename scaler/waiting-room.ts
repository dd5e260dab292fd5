/**
 * The waiting room of one set: requests held during a wake or at the concurrency limit. Bounded by count, bytes and age;
 * by what is left of the memory for all sets; among clients everyone has a turn, within one client the oldest goes first;
 * a backlog is let out at a pace, so that a replica that has just come up is not knocked over by it. Whoever enters gets
 * exactly one outcome.
 */
import type { Clock, Timer } from '#core/clock';
import type { Admission, AdmissionRequest, WakePhases } from '#router/admission';
import type { Pool } from '#router/pool';
import type { HeldSpace } from './held-space.ts';
import { noReplicas } from './prospects.ts';
import { ReleasePace } from './release-pace.ts';

/** Memory that the held requests of one set may take. */
const HELD_BYTES_MAX = 64 * 1024 * 1024;
/** Requests let out in one go, and how long until the next ones. */
const RELEASE_BATCH = 64;
const RELEASE_PAUSE_MS = 5;
/** What a turned-away client is told to wait when the room is full. */
const FULL_RETRY_S = 2;
/** How long a request waits for another replica when every one that is ready has failed it. */
const TRIED_MS = 2000;

interface Held {
  readonly request: AdmissionRequest;
  readonly since: number;
  /** The set had no ready replica when the request came. */
  readonly forWake: boolean;
  readonly settle: (admission: Admission) => void;
}

export interface WaitingRoomOptions {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly tenant: string;
  /** Shared with the rooms of all other sets. */
  readonly space: HeldSpace;
  /** What became of the time since then (monotonic ms), of one who waited for a wake. */
  readonly phases?: (since: number) => WakePhases;
}

export class WaitingRoom {
  readonly #pool: Pool;
  readonly #clock: Clock;
  readonly #tenant: string;
  readonly #space: HeldSpace;
  readonly #pace: ReleasePace;
  readonly #phases: WaitingRoomOptions['phases'];
  /** Clients in the order of their next turn, each with its requests, oldest first. */
  readonly #turns = new Map<string, Held[]>();
  #bytes = 0;
  /** Requests that may go where others may not: a match sends them to one revision. */
  #matched = 0;
  #pacing: Timer | null = null;
  /** Ends the wait for answers of replicas that have as much to do as they have proven to take. */
  #unproven: Timer | null = null;
  #releasing = false;

  constructor({ pool, clock, tenant, space, phases }: WaitingRoomOptions) {
    this.#pool = pool;
    this.#clock = clock;
    this.#tenant = tenant;
    this.#space = space;
    this.#phases = phases;
    this.#pace = new ReleasePace(pool, clock);
  }

  /** Requests held now. */
  get size(): number {
    return this.#pool.held;
  }

  /** Holds a request until an upstream is claimed for it, its time is over, or everybody is turned away. */
  enter(request: AdmissionRequest, signal: AbortSignal): Promise<Admission> {
    const policy = this.#pool.policy;
    if (signal.aborted) return Promise.resolve({ outcome: 'timed-out', retryAfterS: 1 });
    const isFull = this.size >= policy.wakeQueue || this.#bytes + request.bytes > HELD_BYTES_MAX;
    if (isFull || !this.#space.take(this.#tenant, request.bytes)) {
      return Promise.resolve({ outcome: 'shed', retryAfterS: FULL_RETRY_S });
    }
    return new Promise((resolve) => {
      const leave = (admission: Admission): void => {
        if (this.#take(held)) held.settle(admission);
      };
      const expire = (): void => leave({ outcome: 'timed-out', retryAfterS: 5 });
      const timer = this.#clock.after(policy.wakeTimeoutMs, expire);
      let doubt: Timer | null = null;
      const despair = (): void => {
        if (this.#isVain(request)) leave(noReplicas());
        else doubt = this.#clock.after(TRIED_MS, despair);
      };
      if (request.tried !== null) doubt = this.#clock.after(TRIED_MS, despair);
      const held: Held = {
        request,
        since: this.#clock.now(),
        forWake: this.#pool.readyCount === 0,
        settle: (admission) => {
          timer.cancel();
          doubt?.cancel();
          signal.removeEventListener('abort', expire);
          resolve(admission);
        },
      };
      signal.addEventListener('abort', expire, { once: true });
      const queue = this.#turns.get(request.client);
      if (queue === undefined) this.#turns.set(request.client, [held]);
      else queue.push(held);
      if (this.size === 0) this.#pace.begin();
      this.#pool.held++;
      this.#bytes += request.bytes;
      if (isMatched(request)) this.#matched++;
      this.release();
    });
  }

  /** Lets out as many as the pool takes now. Called whenever it may take more. */
  release(): void {
    if (this.#pacing !== null || this.#releasing || this.size === 0) return;
    this.#releasing = true;
    let out = 0;
    while (out < RELEASE_BATCH && this.#pace.hasRoom() && this.#releaseOne()) out++;
    this.#releasing = false;
    this.#unproven?.cancel();
    this.#unproven = null;
    if (this.size === 0) return;
    if (out === RELEASE_BATCH) {
      this.#pacing = this.#clock.after(RELEASE_PAUSE_MS, () => {
        this.#pacing = null;
        this.release();
      });
    } else if (!this.#pace.hasRoom()) this.#unproven = this.#clock.after(this.#pace.waitMs, () => this.release());
  }

  /** Ends the wait of everybody with one outcome. */
  turnAway(admission: Exclude<Admission, { outcome: 'admitted' }>): void {
    for (const queue of [...this.#turns.values()]) {
      for (const held of [...queue]) if (this.#take(held)) held.settle(admission);
    }
  }

  /** Gives the next client its turn; requests that no upstream may take are passed over. */
  #releaseOne(): boolean {
    for (const [client, queue] of this.#turns) {
      for (const held of queue) {
        const { hash, tried, wish = null } = held.request;
        const upstream = this.#pool.claimForHeld(hash, tried, wish);
        if (upstream === null) {
          // One that was tried nowhere could go anywhere: there is no room at all.
          if (tried === null && this.#matched === 0) return false;
          continue;
        }
        this.#take(held);
        if (queue.length > 0) {
          // The next turn of this client comes after everybody else's.
          this.#turns.delete(client);
          this.#turns.set(client, queue);
        }
        held.settle({ outcome: 'admitted', upstream, ...this.#waitOf(held) });
        return true;
      }
    }
    return false;
  }

  #waitOf({ forWake, since }: Held): { readonly wakeMs: number | null; readonly phases?: WakePhases } {
    if (!forWake) return { wakeMs: null };
    const phases = this.#phases?.(since);
    return { wakeMs: this.#clock.now() - since, ...(phases === undefined ? {} : { phases }) };
  }

  /** Every upstream that is ready and may take it has failed the request already, and none is missing that might come. */
  #isVain({ tried }: AdmissionRequest): boolean {
    if (this.#pool.readyCount === 0) return false;
    return this.#pool.upstreams.every((one) => !one.isReady || one.weight === 0 || tried?.includes(one));
  }

  /** Takes a request out of the room. False when it is not there any more. */
  #take(held: Held): boolean {
    const queue = this.#turns.get(held.request.client);
    const place = queue?.indexOf(held) ?? -1;
    if (queue === undefined || place < 0) return false;
    queue.splice(place, 1);
    if (queue.length === 0) this.#turns.delete(held.request.client);
    this.#pool.held--;
    this.#bytes -= held.request.bytes;
    this.#space.give(this.#tenant, held.request.bytes);
    if (this.size === 0) this.#unproven?.cancel();
    if (isMatched(held.request)) this.#matched--;
    return true;
  }
}

function isMatched({ wish }: AdmissionRequest): boolean {
  return wish !== null && wish !== undefined && wish.matched.length > 0;
}
