/**
 * All sets over all hosts: who contributes to which, and the picture that was delivered last. A set is delivered when
 * its picture changed, at once and in one piece. When its last container is gone it lingers without replicas for a
 * while, so that a recreated container finds its requests waiting and not turned away.
 */
import type { Clock, Timer } from '#core/clock';
import type { EventSink } from '#core/event';
import { DEFAULT_POLICY, type SetKey, type SetSnapshot } from '#core/set';
import { byAge, composeSet, contributionsOf, type KnownSet } from './composition.ts';
import type { Contribution } from './translation.ts';

/** How long a set without containers keeps its routes. */
export const LINGER_MS = 10_000;

export interface SetLedgerOptions {
  readonly clock: Clock;
  readonly emit: EventSink;
  /** Must not throw. */
  readonly onSet: (snapshot: SetSnapshot) => void;
  /** Must not throw. */
  readonly onSetRemoved: (key: SetKey) => void;
}

/** One container's contribution became another. */
export interface ContributionChange {
  /** `<host>/<container id>`. */
  readonly replica: string;
  readonly before: Contribution | null;
  readonly after: Contribution | null;
}

export class SetLedger {
  readonly #options: SetLedgerOptions;
  readonly #contributions = new Map<SetKey, Map<string, Contribution>>();
  readonly #known = new Map<SetKey, KnownSet>();
  readonly #lingering = new Map<SetKey, Timer>();

  constructor(options: SetLedgerOptions) {
    this.#options = options;
  }

  sets(): IterableIterator<KnownSet> {
    return this.#known.values();
  }

  get(key: SetKey): KnownSet | null {
    return this.#known.get(key) ?? null;
  }

  /**
   * Takes a set over from before a restart and delivers it. Its replicas on hosts that are not ours any more are dropped.
   * @returns its contributions, to be corrected by what the hosts say
   */
  restore(kept: SetSnapshot & Partial<KnownSet>, isOurHost: (host: string) => boolean): readonly Contribution[] {
    const replicas = kept.replicas.filter((one) => isOurHost(one.host));
    const policy = { ...DEFAULT_POLICY, ...kept.policy };
    const known = { ...kept, policy, replicas, routeNames: kept.routeNames ?? [] };
    const contributions = contributionsOf(known);
    for (const one of contributions) this.#put(one.replica.id, one);
    this.#known.set(known.key, known);
    this.#options.onSet(known);
    return contributions;
  }

  /** Takes changes in and delivers every set they touch, the one with the oldest container first. */
  apply(changes: readonly ContributionChange[]): void {
    const touched = new Map<SetKey, Contribution>();
    for (const { replica, before, after } of changes) {
      if (before !== null) {
        this.#contributions.get(before.identity.key)?.delete(replica);
        touched.set(before.identity.key, before);
      }
      if (after !== null) {
        this.#put(replica, after);
        touched.set(after.identity.key, after);
      }
    }
    const sets = [...touched.values()].map((one) => ({ identity: one.identity, oldest: this.#oldest(one) }));
    for (const { identity } of sets.toSorted((a, b) => byAge(a.oldest, b.oldest))) this.#settle(identity);
  }

  /** Begins to let go of sets that no container stands for: after the hosts were listed. */
  sweep(): void {
    for (const known of [...this.#known.values()]) if (this.#of(known.key).length === 0) this.#settle(known);
  }

  close(): void {
    for (const timer of this.#lingering.values()) timer.cancel();
    this.#lingering.clear();
  }

  #settle(identity: Pick<KnownSet, 'key' | 'tenant' | 'app' | 'set'>): void {
    const { key } = identity;
    const contributions = this.#of(key);
    const before = this.#known.get(key) ?? null;
    const after = composeSet(identity, contributions, before);
    if (after === null) {
      if (contributions.length === 0) this.#contributions.delete(key);
      return;
    }
    this.#known.set(key, after);
    if (contributions.length === 0) this.#linger(key);
    else {
      this.#lingering.get(key)?.cancel();
      this.#lingering.delete(key);
    }
    if (before !== null && JSON.stringify(before) === JSON.stringify(after)) return;
    if (before === null) this.#report('set.discovered', after, `found on ${hostsOf(after)}`);
    const crowd = crowdOf(after);
    // Two writers of one data directory spoil it, and nobody but a person can say which of them is to go.
    if (crowd.length > 1 && crowdOf(before).length < 2) {
      this.#report('set.crowded', after, `${crowd.join(' and ')} run at the same time; class data is one replica`);
    }
    this.#options.onSet(after);
  }

  #linger(key: SetKey): void {
    if (this.#lingering.has(key)) return;
    this.#lingering.set(
      key,
      this.#options.clock.after(LINGER_MS, () => this.#remove(key)),
    );
  }

  #remove(key: SetKey): void {
    this.#lingering.delete(key);
    const known = this.#known.get(key);
    if (known === undefined) return;
    this.#known.delete(key);
    this.#contributions.delete(key);
    this.#options.onSetRemoved(key);
    this.#report('set.removed', known, 'its last container is gone');
  }

  #put(replica: string, contribution: Contribution): void {
    const { key } = contribution.identity;
    const members = this.#contributions.get(key) ?? new Map<string, Contribution>();
    members.set(replica, contribution);
    this.#contributions.set(key, members);
  }

  #of(key: SetKey): readonly Contribution[] {
    return [...(this.#contributions.get(key)?.values() ?? [])];
  }

  /** The oldest replica of the set a contribution belongs (or belonged) to. */
  #oldest(contribution: Contribution): Contribution['replica'] {
    const replicas = this.#of(contribution.identity.key).map((one) => one.replica);
    return replicas.toSorted(byAge)[0] ?? contribution.replica;
  }

  #report(type: 'set.discovered' | 'set.crowded' | 'set.removed', known: KnownSet, cause: string): void {
    this.#options.emit({ type, tenant: known.tenant, app: known.app, set: known.set, cause });
  }
}

/** Names of the containers that run, of a set that is to have one. */
function crowdOf(known: KnownSet | null): readonly string[] {
  if (known?.policy.class !== 'data') return [];
  return known.replicas.filter((one) => one.status === 'running').map((one) => one.name);
}

function hostsOf(known: KnownSet): string {
  return [...new Set(known.replicas.map((one) => one.host))].join(', ');
}
