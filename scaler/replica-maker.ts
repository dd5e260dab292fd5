/**
 * Makes the replicas that a set which the API deploys is missing. Several at a time; one that was made counts as there, also
 * while discovery does not show it; a revision that cannot be made is reported and waits longer each time, and holds up no
 * other revision.
 */
import type { Timer } from '#core/clock';
import { messageOf } from '#core/errors';
import type { EventType } from '#core/event';
import type { SetKey, SetSnapshot } from '#core/set';
import { type Awaited, AwaitedReplicas } from './awaited-replicas.ts';
import { isEngineAway } from './engine-away.ts';
import type { ScalerPorts } from './ports.ts';

/** Being made at a time, of one set; a revision of which none is being made may always begin one more. */
const MAKES_AT_ONCE = 4;
const BACKOFF_FIRST_MS = 1000;
const BACKOFF_LONGEST_MS = 60_000;

export interface ReplicaMakerOptions {
  readonly ports: ScalerPorts;
  readonly key: SetKey;
  readonly report: (type: EventType, cause: string, data: Record<string, unknown>, replica?: string) => void;
  /** Called when one is made, or may be tried again. */
  readonly onDone: () => void;
}

/** How the making of replicas of a revision goes. */
export interface MakingView {
  readonly revision: string;
  /** Being made, or made and not seen yet. */
  readonly underWay: number;
  /** In a row. */
  readonly failures: number;
  /** Of the last failure; null: the last one was made. */
  readonly cause: string | null;
}

interface MakingRecord {
  making: number;
  failures: number;
  cause: string | null;
  notBefore: number;
  retry: Timer | null;
}

interface AwaitedOfRevision extends Awaited {
  readonly revision: string;
}

export class ReplicaMaker {
  readonly #options: ReplicaMakerOptions;
  readonly #records = new Map<string, MakingRecord>();
  readonly #awaited: AwaitedReplicas<AwaitedOfRevision>;
  #closed = false;

  constructor(options: ReplicaMakerOptions) {
    this.#options = options;
    this.#awaited = new AwaitedReplicas({ ports: options.ports, onFewer: options.onDone });
  }

  /** Whether replicas can be made at all. */
  get isAble(): boolean {
    return this.#options.ports.makeReplica !== undefined;
  }

  /** Replicas of any revision that are being made, or made and not seen yet. */
  get underWay(): number {
    let making = this.#awaited.size;
    for (const record of this.#records.values()) making += record.making;
    return making;
  }

  /** Failures in a row to make one of a revision. */
  failuresOf(revision: string): number {
    return this.#records.get(revision)?.failures ?? 0;
  }

  views(): readonly MakingView[] {
    return [...this.#records].map(([revision, { failures, cause }]) => {
      return { revision, underWay: this.#underWayOf(revision), failures, cause };
    });
  }

  /** Says how many replicas of each revision are not there; those under way are among them. Asked anew after each. */
  want(missing: ReadonlyMap<string, number>, snapshot: SetSnapshot): void {
    this.#awaited.shown(snapshot);
    for (const [revision, record] of this.#records) {
      const isWanted = snapshot.shares?.some((one) => one.revision === revision) ?? false;
      if (isWanted || record.making > 0) continue;
      record.retry?.cancel();
      this.#records.delete(revision);
    }
    for (const [revision, count] of missing) {
      if ((this.#records.get(revision)?.notBefore ?? 0) > this.#options.ports.clock.now()) continue;
      for (let more = count - this.#underWayOf(revision); more > 0 && this.#hasRoom(revision); more--) {
        this.#begin(revision);
      }
    }
  }

  /** Forgets failures: what failed is tried again at once. */
  forgive(): void {
    for (const record of this.#records.values()) {
      record.failures = 0;
      record.notBefore = Number.NEGATIVE_INFINITY;
      record.retry?.cancel();
    }
  }

  close(): void {
    this.#closed = true;
    for (const { retry } of this.#records.values()) retry?.cancel();
    this.#awaited.close();
  }

  /** One that takes long, or hangs, holds up its own revision alone. */
  #hasRoom(revision: string): boolean {
    if ((this.#records.get(revision)?.making ?? 0) === 0) return true;
    let making = 0;
    for (const record of this.#records.values()) making += record.making;
    return making < MAKES_AT_ONCE;
  }

  #underWayOf(revision: string): number {
    let count = this.#records.get(revision)?.making ?? 0;
    for (const one of this.#awaited.all()) if (one.revision === revision) count++;
    return count;
  }

  #begin(revision: string): void {
    const { makeReplica } = this.#options.ports;
    if (this.#closed || makeReplica === undefined) return;
    const record = this.#recordOf(revision);
    record.making++;
    void this.#make(revision, record, makeReplica);
  }

  async #make(revision: string, record: MakingRecord, make: NonNullable<ScalerPorts['makeReplica']>): Promise<void> {
    const { key, report, onDone } = this.#options;
    // Never in the same turn: what ends at once must not begin the next one from within itself.
    await null;
    try {
      const made = await make(key, revision);
      record.failures = 0;
      record.cause = null;
      if (!this.#closed) {
        const cause = `a replica of ${revision}, as the scale asks for`;
        report('replica.created', cause, { revision }, `${made.host}/${made.containerId}`);
      }
      // In one go, so that it counts once.
      const looked = this.#awaited.add({ ...made, revision });
      record.making--;
      await looked;
    } catch (error) {
      record.making--;
      this.#failed(revision, record, error);
    }
    if (!this.#closed) onDone();
  }

  #failed(revision: string, record: MakingRecord, error: unknown): void {
    const { ports, report, onDone } = this.#options;
    const now = ports.clock.now();
    // Several that were made together fail together, and that is one failure.
    if (this.#closed || record.notBefore > now) return;
    const waitMs = Math.min(BACKOFF_LONGEST_MS, BACKOFF_FIRST_MS * 2 ** record.failures);
    record.notBefore = now + waitMs;
    record.retry?.cancel();
    record.retry = ports.clock.after(waitMs, onDone);
    record.cause = messageOf(error);
    if (isEngineAway(error)) {
      ports.log.warn('the Engine is away; a replica is made later', { set: this.#options.key, revision, error });
      return;
    }
    record.failures++;
    const data = { revision, failures: record.failures, retry_in_ms: waitMs };
    report('replica.failed', `a replica of ${revision} could not be made: ${record.cause}`, data);
  }

  #recordOf(revision: string): MakingRecord {
    const known = this.#records.get(revision);
    if (known !== undefined) return known;
    const record = { making: 0, failures: 0, cause: null, notBefore: Number.NEGATIVE_INFINITY, retry: null };
    this.#records.set(revision, record);
    return record;
  }
}
