/**
 * Until when a set is leased, and which of its replicas said that they are at work. Held in memory and noted for the next
 * start; replicas may say it with every answer, so of them it is noted a little longer than they asked, and then seldom.
 */
import type { Clock } from '#core/clock';
import type { SetKey } from '#core/set';
import type { LeaseNote, ScalerPorts } from './ports.ts';
import type { ReplicaKeeper } from './replica-keeper.ts';

/** What is noted lasts longer than what a replica asked for by this part of it, and by {@link SLACK_MIN_MS} at least. */
const SLACK = 0.1;
const SLACK_MIN_MS = 1000;

export class SetLeases {
  readonly #ports: Pick<ScalerPorts, 'clock' | 'leases'>;
  readonly #key: SetKey;
  /** Monotonic ms, by id. */
  readonly #replicas = new Map<string, number>();
  #until = Number.NEGATIVE_INFINITY;
  #noted: LeaseNote | null;

  constructor(ports: Pick<ScalerPorts, 'clock' | 'leases'>, key: SetKey) {
    this.#ports = ports;
    this.#key = key;
    this.#noted = ports.leases.get(key);
    if (this.#noted === null) return;
    const since = wallSince(ports.clock);
    this.#until = this.#noted.until - since;
    for (const [id, until] of Object.entries(this.#noted.replicas)) this.#replicas.set(id, until - since);
  }

  /** Monotonic ms at which the last lease ends, or has ended. */
  get until(): number {
    return this.#until;
  }

  /** The same in ms since the epoch; null: nothing is leased now. */
  get untilWall(): number | null {
    const { clock } = this.#ports;
    return this.#until > clock.now() ? this.#until + wallSince(clock) : null;
  }

  /** Whether the replica said that it is at work, and is not asleep all the same. */
  holds(replica: ReplicaKeeper): boolean {
    return (this.#replicas.get(replica.snapshot.id) ?? 0) > this.#ports.clock.now() && !replica.isAsleep;
  }

  /** Monotonic ms of the next moment at which one ends; infinite: none does. */
  nextEnd(after: number): number {
    const ends = [this.#until, ...this.#replicas.values()];
    return Math.min(Number.POSITIVE_INFINITY, ...ends.filter((one) => one > after));
  }

  /**
   * Takes a lease until then (monotonic ms); a longer one stays. Returns whether it is news: nothing was leased, or not that replica.
   * @param replica asked for it; null: somebody outside
   */
  take(until: number, replica: string | null): boolean {
    const now = this.#ports.clock.now();
    const isNews = this.#until <= now || (replica !== null && (this.#replicas.get(replica) ?? 0) <= now);
    this.#until = Math.max(this.#until, until);
    if (replica !== null) this.#replicas.set(replica, Math.max(this.#replicas.get(replica) ?? 0, until));
    for (const [id, end] of this.#replicas) if (end <= now) this.#replicas.delete(id);
    const noted = replica === null ? this.#noted?.until : this.#noted?.replicas[replica];
    if ((noted ?? 0) < until + wallSince(this.#ports.clock)) {
      this.#note(replica === null ? 0 : Math.max(SLACK_MIN_MS, SLACK * (until - now)));
    }
    return isNews;
  }

  /** All of them end now. */
  end(): void {
    this.#until = Number.NEGATIVE_INFINITY;
    this.#replicas.clear();
    if (this.#noted !== null) this.#ports.leases.put(this.#key, null);
    this.#noted = null;
  }

  #note(slackMs: number): void {
    const since = wallSince(this.#ports.clock);
    const wallOf = (until: number): number => Math.ceil(until + since + slackMs);
    const replicas = Object.fromEntries([...this.#replicas].map(([id, until]) => [id, wallOf(until)]));
    this.#noted = { until: wallOf(this.#until), replicas };
    this.#ports.leases.put(this.#key, this.#noted);
  }
}

/** Ms since the epoch at which the monotonic clock was at 0. */
function wallSince({ wall, now }: Clock): number {
  return wall() - now();
}
