/**
 * What a deployment waits for while a set moves: replicas that become ready or go, and a new revision that is watched
 * beside the old one. Every wait ends when somebody wants the deployment ended.
 */
import { pause } from '#core/clock';
import type { SetKey } from '#core/set';
import { judge, type RevisionCounters } from './canary.ts';
import { type DeploymentRecord, HELD_EVERY_MS } from './deployment-record.ts';
import { evidenceOf } from './evidence.ts';
import { Halt } from './halt.ts';
import type { AppsPorts, ReplicaSight, SetSight } from './ports.ts';
import type { ReplicaFactory } from './replica-factory.ts';
import type { SetChanges } from './set-changes.ts';

/** Crashes in a row after which a new revision is given up, however much time it has left. */
const CRASHES_MAX = 3;
/** What of the old one may take to go beyond its time to drain. */
const GONE_EXTRA_MS = 60_000;
const WATCH_MS = 1000;
/** What has no port to dial proves itself by running on. */
const STAYS_MS = 1000;
/** How long a new member has to run. */
const PROOF_MS = 1000;

export interface RevisionWatchOptions {
  readonly ports: AppsPorts;
  readonly factory: ReplicaFactory;
  readonly changes: SetChanges;
  readonly key: SetKey;
  readonly readyWithinMs: number;
  /** The app is kept down: nothing becomes ready, and nothing has to. */
  readonly isStopped: () => boolean;
  readonly record: () => DeploymentRecord;
  /** @throws when the deployment is to end */
  readonly heed: () => void;
  /** Aborts when there is something to heed. */
  readonly signal: () => AbortSignal;
  /** Tidegate ends. */
  readonly closing: AbortSignal;
}

/** A step that is watched. */
export interface Hold {
  readonly ms: number;
  /** For how long it was watched before. */
  readonly heldMs: number;
  /** Keeps for how long it has been watched. */
  readonly keep: (heldMs: number) => Promise<void>;
}

/** Names of the shares that are compared. */
export interface Sides {
  readonly next: string;
  /** Null: there is none. */
  readonly previous: string | null;
}

export class RevisionWatch {
  readonly #options: RevisionWatchOptions;

  constructor(options: RevisionWatchOptions) {
    this.#options = options;
  }

  get sight(): SetSight | null {
    return this.#options.ports.sight(this.#options.key);
  }

  /** Resolves when so many replicas of a share are ready. @throws Halt when they will not be */
  async ready(name: string, count: number): Promise<void> {
    const { ports, factory, readyWithinMs, key } = this.#options;
    const since = ports.clock.now();
    for (;;) {
      this.#options.heed();
      if (this.#options.isStopped()) return;
      const own = this.sight?.replicas.filter((one) => one.revision === name) ?? [];
      if (own.filter((one) => one.phase === 'ready').length >= count) return;
      const crashed = own.filter((one) => one.failures >= CRASHES_MAX);
      if (crashed.length > 0) {
        const times = `${crashed[0]?.failures} times in a row`;
        throw new Halt('failed', 'replica.crashed', `a replica of ${name} ended ${times} before it was ready`, crashed);
      }
      const fault = factory.faultOf(key, name, since);
      if (fault !== null) throw new Halt('failed', fault.code, fault.message);
      if (ports.clock.now() >= since + readyWithinMs) {
        const detail = `${count === 1 ? 'the replica of' : `${count} replicas of`} ${name} ${count === 1 ? 'is' : 'are'} not ready after ${Math.round(readyWithinMs / 1000)} s`;
        throw new Halt('failed', 'replica.not_ready', detail, own);
      }
      if (own.filter(isUp).length < count) await this.#options.changes.next(key, this.#options.signal());
      else if (await this.#stays(own)) return;
    }
  }

  /** Whether replicas that nobody can dial are as they were a while later. */
  async #stays(before: readonly ReplicaSight[]): Promise<boolean> {
    await pause(this.#options.ports.clock, STAYS_MS, this.#options.signal());
    const now = new Map(this.sight?.replicas.map((one) => [one.id, one]));
    return before.filter(isUp).every(({ id, failures }) => {
      const one = now.get(id);
      return one !== undefined && isUp(one) && one.failures === failures;
    });
  }

  /** Resolves when one replica is ready (again). @throws Halt when it will not be */
  async readyAgain(replica: string): Promise<void> {
    const { ports, changes, readyWithinMs, key } = this.#options;
    const until = ports.clock.now() + readyWithinMs;
    for (;;) {
      this.#options.heed();
      const replicas = this.sight?.replicas ?? [];
      const own = replicas.filter((one) => one.id === replica);
      if (own.some((one) => one.phase === 'ready')) return;
      if (ports.clock.now() >= until) {
        const detail = 'a replica is not ready after its members were replaced';
        throw new Halt('failed', 'replica.not_ready', detail, replicas);
      }
      if (!own.some(isUp)) await changes.next(key, this.#options.signal());
      else if (await this.#stays(own)) return;
    }
  }

  /** Resolves when members of a replica have run for a moment. @throws Halt when one of them has ended */
  async proved(replica: string, members: readonly string[]): Promise<void> {
    const { ports, heed, signal } = this.#options;
    await pause(ports.clock, PROOF_MS, signal());
    heed();
    const found = this.sight?.replicas.find((one) => one.id === replica);
    if (found === undefined) return;
    const evidence = await evidenceOf(found, ports);
    const dead = evidence.members.find((one) => members.includes(one.name) && one.status !== 'running');
    if (dead === undefined) return;
    const detail = `the container ${dead.name} ended with ${dead.exitCode} right after it had been replaced`;
    throw new Halt('failed', 'replica.crashed', detail, [{ ...found, phase: 'failed' }]);
  }

  /** Resolves when no replica of a share is left, or when that takes far too long. */
  async gone(name: string): Promise<void> {
    const { ports, readyWithinMs } = this.#options;
    await this.#untilGone(name, ports.clock.now() + readyWithinMs + GONE_EXTRA_MS, true);
  }

  /** {@link gone}, whatever is wanted of the deployment. */
  async goneAnyway(name: string): Promise<void> {
    await this.#untilGone(name, this.#options.ports.clock.now() + GONE_EXTRA_MS, false);
  }

  /**
   * Watches the new revision beside the old one. Time stands still while the deployment is paused, and ends early when it
   * is to be promoted. What was watched before a restart counts.
   * @throws Halt when the new one is worse
   */
  async hold({ ms, heldMs, keep }: Hold, { next, previous }: Sides): Promise<void> {
    const { ports, key, record, heed, signal } = this.#options;
    const { clock, counters } = ports;
    const first = await counters(key);
    let left = ms - heldMs;
    let keptMs = heldMs;
    let seen = clock.now();
    while (left > 0 || record().paused) {
      heed();
      if (record().wish === 'promote') return;
      await pause(clock, Math.max(1, Math.min(WATCH_MS, record().paused ? WATCH_MS : left)), signal());
      const now = clock.now();
      if (!record().paused) left -= now - seen;
      seen = now;
      if (ms - left >= keptMs + HELD_EVERY_MS) {
        keptMs = ms - left;
        await keep(keptMs);
      }
      if (previous !== null) this.#compare(first, await counters(key), next, previous);
    }
  }

  #compare(
    first: ReadonlyMap<string, RevisionCounters>,
    now: ReadonlyMap<string, RevisionCounters>,
    next: string,
    previous: string,
  ): void {
    const side = (name: string) => ({ from: first.get(name) ?? null, to: now.get(name) ?? null });
    const verdict = judge({ baseline: side(previous), candidate: side(next) });
    if (typeof verdict !== 'object') return;
    const { ports, key } = this.#options;
    ports.log.info('a canary is worse than what it is to take over from', { key, reason: verdict.abort });
    throw new Halt('rolled-back', 'canary.worse', verdict.abort);
  }

  async #untilGone(name: string, until: number, heeds: boolean): Promise<void> {
    const { ports, changes, closing, heed, key } = this.#options;
    while (ports.clock.now() < until && !closing.aborted) {
      if (heeds) heed();
      const left = this.sight?.replicas.filter((one) => one.revision === name) ?? [];
      if (left.length === 0) return;
      await changes.next(key, closing);
    }
    if (closing.aborted) throw new Error('Tidegate is ending');
  }
}

/** Ready, or up without a port to dial, as a worker is. */
function isUp({ phase }: ReplicaSight): boolean {
  return phase === 'ready' || phase === 'running';
}
