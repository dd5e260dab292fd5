/**
 * Who has how much in flight to which upstream, and which slots he holds: control's pools count the sum over all workers,
 * and what a worker had is taken back when it dies. A slot is room for one request under the set's limit that belongs to
 * one worker, whether it uses it at this moment or not, so the limit holds however late the counts come.
 */
import type { Clock } from '#core/clock';
import type { CarriedUpstream, CountChange } from './messages.ts';
import type { NumberedUpstream } from './picture.ts';

/** An upstream that left is remembered for so long after its last request, for counts that are on their way. */
const LATE_COUNTS_MS = 10_000;

interface Share {
  inFlight: number;
  slots: number;
}

interface Entry {
  readonly numbered: NumberedUpstream;
  readonly shares: Map<number, Share>;
}

export class CountLedger {
  readonly #clock: Clock;
  readonly #entries = new Map<number, Entry>();
  /** Of each worker, by activation: what it still had when it met this control. */
  readonly #carried = new Map<number, Map<string, CarriedUpstream>>();
  /** Upstreams whose counts changed since they were asked for. */
  readonly #stirred = new Set<Entry>();
  readonly #onStirred: () => void;

  /** @param onStirred there is something to ask {@link elsewhere} for; may be called again before it is asked */
  constructor(clock: Clock, onStirred: () => void) {
    this.#clock = clock;
    this.#onStirred = onStirred;
  }

  find(id: number): NumberedUpstream | null {
    return this.#entries.get(id)?.numbered ?? null;
  }

  /** Remembers what a worker brings from before; it counts once control itself knows the activation. */
  carry(worker: number, carried: readonly CarriedUpstream[]): void {
    this.#carried.set(worker, new Map(carried.map((one) => [one.activation, one])));
    for (const entry of this.#entries.values()) this.#takeCarried(worker, entry);
  }

  add(numbered: NumberedUpstream): void {
    const entry = { numbered, shares: new Map<number, Share>() };
    this.#entries.set(numbered.id, entry);
    for (const worker of this.#carried.keys()) this.#takeCarried(worker, entry);
  }

  /** It left its pool. */
  retire(numbered: NumberedUpstream): void {
    this.#clock.after(LATE_COUNTS_MS, () => {
      if (numbered.upstream.inFlight > 0) this.retire(numbered);
      else this.#entries.delete(numbered.id);
    });
  }

  note(worker: number, changes: readonly CountChange[]): void {
    for (const [id, inFlight, claims, slotsReturned, quiet] of changes) {
      const entry = this.#entries.get(id);
      if (entry === undefined) continue;
      const share = shareOf(entry, worker);
      share.inFlight += inFlight;
      share.slots -= slotsReturned;
      this.#stir(entry);
      // The limit counts what is in flight and what is reserved; while one becomes the other their sum must not dip.
      reserveAtLeast(entry);
      entry.numbered.pool.note(entry.numbered.upstream, inFlight, claims, quiet === 1);
      this.#reserve(entry);
    }
  }

  /** A claim that was made in control's pool belongs to a worker now. `slot`: with room that stays with it. */
  lend(worker: number, numbered: NumberedUpstream, slot: boolean): void {
    const entry = this.#entries.get(numbered.id);
    if (entry === undefined) return;
    const share = shareOf(entry, worker);
    share.inFlight++;
    if (slot) share.slots++;
    this.#stir(entry);
    this.#reserve(entry);
  }

  /** The worker is gone, and with it all that it had. */
  leave(worker: number): void {
    this.#carried.delete(worker);
    for (const entry of this.#entries.values()) {
      const share = entry.shares.get(worker);
      if (share === undefined) continue;
      entry.shares.delete(worker);
      this.#stir(entry);
      entry.numbered.pool.note(entry.numbered.upstream, -share.inFlight, 0);
      this.#reserve(entry);
    }
  }

  /** For each worker, what the others have in flight to upstreams that have something to be weighed against. */
  *elsewhere(workers: Iterable<number>): Generator<[worker: number, counts: [id: number, inFlight: number][]]> {
    const entries = [...this.#stirred].filter(({ numbered }) => isWeighed(numbered));
    this.#stirred.clear();
    if (entries.length === 0) return;
    for (const worker of workers) {
      yield [
        worker,
        entries.map(({ numbered, shares }) => {
          return [numbered.id, Math.max(0, numbered.upstream.inFlight - (shares.get(worker)?.inFlight ?? 0))];
        }),
      ];
    }
  }

  #stir(entry: Entry): void {
    this.#stirred.add(entry);
    this.#onStirred();
  }

  #takeCarried(worker: number, entry: Entry): void {
    const { activation, upstream, pool } = entry.numbered;
    const mine = this.#carried.get(worker);
    const carried = mine?.get(activation);
    if (mine === undefined || carried === undefined) return;
    mine.delete(activation);
    entry.shares.set(worker, { inFlight: carried.inFlight, slots: carried.slots });
    pool.note(upstream, carried.inFlight, 0);
    this.#reserve(entry);
  }

  #reserve({ numbered, shares }: Entry): void {
    numbered.pool.reserve(numbered.upstream, idleSlots(shares));
  }
}

function reserveAtLeast({ numbered, shares }: Entry): void {
  numbered.pool.reserve(numbered.upstream, Math.max(numbered.upstream.reserved, idleSlots(shares)));
}

function idleSlots(shares: ReadonlyMap<number, Share>): number {
  let idle = 0;
  for (const { slots, inFlight } of shares.values()) idle += Math.max(0, slots - inFlight);
  return idle;
}

function shareOf(entry: Entry, worker: number): Share {
  let share = entry.shares.get(worker);
  if (share === undefined) {
    share = { inFlight: 0, slots: 0 };
    entry.shares.set(worker, share);
  }
  return share;
}

function isWeighed({ pool, upstream }: NumberedUpstream): boolean {
  return (
    !upstream.removed && pool.upstreams.length > 1 && (pool.policy.lb.kind === 'p2c' || pool.policy.lb.kind === 'least')
  );
}
