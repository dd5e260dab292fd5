/**
 * Who may start sleeping sets, over all of them: no more than a machine can start at a time, tenants in turns, and none of
 * them more often a minute than its plan says. A crawler that knocks at two hundred sleeping apps has them come up one
 * after the other, behind the first request of everybody else.
 */
import type { Clock, Timer } from '#core/clock';
import type { SetKey } from '#core/set';

/** Sets on their way up at a time; more of them only make each other late. */
const AT_ONCE = 8;
/** One that starts for longer has had its turn: it goes on, and others begin. */
const TURN_MS = 10_000;
const MINUTE_MS = 60_000;

/** What a plan allows; null: no limit of its own. */
export interface WakeAllowance {
  readonly perMinute: number | null;
  readonly atOnce: number | null;
}

export const ANY_WAKES: WakeAllowance = { perMinute: null, atOnce: null };

export interface WakeBudgetOptions {
  readonly clock: Clock;
  readonly allowanceOf: (tenant: string) => WakeAllowance;
  readonly atOnce?: number;
}

interface Turn {
  readonly key: SetKey;
  readonly tenant: string;
  readonly onTurn: () => void;
  /** It may start; until then it waits. */
  given: boolean;
  /** Ends the place that it takes from others; null: it takes none. */
  timer: Timer | null;
}

export class WakeBudget {
  readonly #options: WakeBudgetOptions;
  readonly #atOnce: number;
  /** In the order in which they asked. */
  readonly #turns = new Map<SetKey, Turn>();
  /** Monotonic ms of the wakes of the last minute, by tenant. */
  readonly #begun = new Map<string, number[]>();
  /** When tenants had their last turns, as numbers that grow. */
  readonly #served = new Map<string, number>();
  readonly #toldAt = new Map<string, number>();
  #given = 0;
  #later: Timer | null = null;
  #closed = false;

  constructor(options: WakeBudgetOptions) {
    this.#options = options;
    this.#atOnce = options.atOnce ?? AT_ONCE;
  }

  /** Sets that wait for their turn. */
  get waiting(): number {
    return [...this.#turns.values()].filter((one) => !one.given).length;
  }

  /** Seconds until the tenant may begin another wake by its plan; null: now. */
  overdrawn(tenant: string): number | null {
    const { perMinute } = this.#options.allowanceOf(tenant);
    if (perMinute === null) return null;
    const begun = this.#recent(tenant);
    if (begun.length < perMinute) return null;
    const first = begun[begun.length - perMinute] ?? this.#now();
    return Math.max(1, Math.ceil((first + MINUTE_MS - this.#now()) / 1000));
  }

  /** Whether the operator is to hear that a tenant is over its limit: once a minute. */
  isNews(tenant: string): boolean {
    const now = this.#now();
    for (const [told, at] of this.#toldAt) if (now - at >= MINUTE_MS) this.#toldAt.delete(told);
    if (this.#toldAt.has(tenant)) return false;
    this.#toldAt.set(tenant, now);
    return true;
  }

  /** Asks for the turn of a set, and keeps its place. True: it may start; `onTurn` says when that becomes so. */
  ask(key: SetKey, tenant: string, onTurn: () => void): boolean {
    const known = this.#turns.get(key);
    if (known !== undefined) return known.given;
    const turn: Turn = { key, tenant, onTurn, given: false, timer: null };
    this.#turns.set(key, turn);
    this.#give(turn);
    return turn.given;
  }

  /** The set is up, or is not to come up any more. */
  end(key: SetKey): void {
    const turn = this.#turns.get(key);
    if (turn === undefined) return;
    this.#turns.delete(key);
    this.#vacate(turn);
  }

  close(): void {
    this.#closed = true;
    this.#later?.cancel();
    for (const { timer } of this.#turns.values()) timer?.cancel();
    this.#turns.clear();
  }

  /** Gives turns as long as there are places. @param asking hears of its own by the answer */
  #give(asking: Turn | null): void {
    if (this.#closed) return;
    while (this.#places > 0) {
      const next = this.#next();
      if (next === null) break;
      this.#begin(next);
      if (next !== asking) next.onTurn();
    }
    this.#wakeLater();
  }

  /** Of the tenant with the fewest wakes under way, and among those of the one that waited longest for a turn. */
  #next(): Turn | null {
    let best: Turn | null = null;
    let bestRank: readonly [number, number] = [0, 0];
    const seen = new Set<string>();
    for (const turn of this.#turns.values()) {
      if (turn.given || seen.has(turn.tenant)) continue;
      seen.add(turn.tenant);
      const under = this.#underWay(turn.tenant);
      const { atOnce } = this.#options.allowanceOf(turn.tenant);
      if ((atOnce !== null && under >= atOnce) || this.overdrawn(turn.tenant) !== null) continue;
      const rank = [under, this.#served.get(turn.tenant) ?? 0] as const;
      if (best !== null && (rank[0] > bestRank[0] || (rank[0] === bestRank[0] && rank[1] >= bestRank[1]))) continue;
      best = turn;
      bestRank = rank;
    }
    return best;
  }

  #begin(turn: Turn): void {
    const { clock } = this.#options;
    turn.given = true;
    turn.timer = clock.after(TURN_MS, () => this.#vacate(turn));
    this.#served.set(turn.tenant, ++this.#given);
    this.#begun.set(turn.tenant, [...this.#recent(turn.tenant), this.#now()]);
  }

  #vacate(turn: Turn): void {
    const held = turn.timer !== null;
    turn.timer?.cancel();
    turn.timer = null;
    if (held) this.#give(null);
  }

  /** Those whose plan lets them wait are looked at again when a minute is over. */
  #wakeLater(): void {
    this.#later?.cancel();
    this.#later = null;
    const waits = [...this.#turns.values()]
      .filter((one) => !one.given)
      .map((one) => this.overdrawn(one.tenant))
      .filter((one) => one !== null);
    if (waits.length > 0) this.#later = this.#options.clock.after(Math.min(...waits) * 1000, () => this.#give(null));
  }

  get #places(): number {
    return this.#atOnce - [...this.#turns.values()].filter((one) => one.timer !== null).length;
  }

  #underWay(tenant: string): number {
    return [...this.#turns.values()].filter((one) => one.tenant === tenant && one.timer !== null).length;
  }

  #recent(tenant: string): readonly number[] {
    const recent = (this.#begun.get(tenant) ?? []).filter((one) => this.#now() - one < MINUTE_MS);
    if (recent.length === 0) this.#begun.delete(tenant);
    return recent;
  }

  #now(): number {
    return this.#options.clock.now();
  }
}
