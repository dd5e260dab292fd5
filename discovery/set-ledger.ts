/**
 * All sets over all hosts: who contributes to which, and the picture that was delivered last. A set is delivered when
 * its picture changed, at once and in one piece. When its last container is gone it lingers without replicas for a
 * while, so that a recreated container finds its requests waiting and not turned away. One that is declared is there as
 * long as it is declared.
 */
import type { Clock, Timer } from '#core/clock';
import type { EventSink, EventType } from '#core/event';
import { DEFAULT_POLICY, type SetKey, type SetSnapshot } from '#core/set';
import { byAge, composeSet, contributionsOf, type KnownSet } from './composition.ts';
import { type Declaration, type DeclaredSet, readDeclared, type Unseen } from './declared-set.ts';
import type { Identity } from './identity.ts';
import type { Contribution } from './translation.ts';

/** How long a set without containers keeps its routes. */
export const LINGER_MS = 10_000;

export interface SetLedgerOptions {
  readonly clock: Clock;
  readonly emit: EventSink;
  readonly baseDomain: string;
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
  readonly #declared = new Map<SetKey, Declaration>();
  readonly #lingering = new Map<SetKey, Timer>();
  #unseen: Unseen = 'all';

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
    const { key, tenant, app, set, routes } = kept;
    const replicas = kept.replicas.filter((one) => isOurHost(one.host));
    // What the store asks for is not remembered here: it is declared, or it is not.
    const policy = { ...DEFAULT_POLICY, ...kept.policy, revisions: null };
    const known = { key, tenant, app, set, policy, routes, replicas, routeNames: kept.routeNames ?? [] };
    const contributions = contributionsOf(known);
    for (const one of contributions) this.#put(one.replica.id, one);
    if (this.#declared.has(known.key)) {
      this.#settle(known);
      return contributions;
    }
    this.#known.set(known.key, known);
    this.#options.onSet(known);
    return contributions;
  }

  /** Puts a set in force, whether a container of it exists or not, or changes what is in force. */
  declare(declared: DeclaredSet): void {
    const { key } = declared;
    const before = this.#declared.get(key) ?? null;
    if (before !== null && JSON.stringify(before.declared) === JSON.stringify(declared)) return;
    const reading = readDeclared(declared.labels, { ...declared, baseDomain: this.#options.baseDomain });
    this.#declared.set(key, { declared, reading });
    const said = new Set(before?.reading.rejections.map((one) => one.message));
    for (const { label, value, expected, nearest, message } of reading.rejections) {
      if (!said.has(message)) this.#report('label.rejected', declared, message, { label, value, expected, nearest });
    }
    this.#settle(declared);
  }

  /** The store asks for the set no longer: containers that are left speak by their labels, and without any it is gone. */
  undeclare(key: SetKey): void {
    const declaration = this.#declared.get(key);
    if (declaration === undefined) return;
    this.#declared.delete(key);
    if (this.#of(key).length > 0) this.#settle(declaration.declared);
    else this.#remove(key, 'it is deployed no longer');
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

  /** Says which hosts were not looked at yet. */
  saw(unseen: Unseen): void {
    if (JSON.stringify(unseen) === JSON.stringify(this.#unseen)) return;
    this.#unseen = unseen;
    for (const { declared } of [...this.#declared.values()]) this.#settle(declared);
  }

  /** Begins to let go of sets that no container stands for: after the hosts were listed. */
  sweep(): void {
    for (const known of [...this.#known.values()]) if (this.#of(known.key).length === 0) this.#settle(known);
  }

  close(): void {
    for (const timer of this.#lingering.values()) timer.cancel();
    this.#lingering.clear();
  }

  #settle(identity: Identity): void {
    const { key } = identity;
    const contributions = this.#of(key);
    const before = this.#known.get(key) ?? null;
    const declaration = this.#declared.get(key) ?? null;
    const after = composeSet(identity, { contributions, known: before, declaration, unseen: this.#unseen });
    if (after === null) {
      if (contributions.length === 0) this.#contributions.delete(key);
      return;
    }
    this.#known.set(key, after);
    if (contributions.length === 0 && declaration === null) this.#linger(key);
    else {
      this.#lingering.get(key)?.cancel();
      this.#lingering.delete(key);
    }
    if (before !== null && JSON.stringify(before) === JSON.stringify(after)) return;
    if (before === null) {
      const cause = contributions.length === 0 ? 'it was deployed' : `found on ${hostsOf(after)}`;
      this.#report('set.discovered', after, cause);
    }
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
      this.#options.clock.after(LINGER_MS, () => this.#remove(key, 'its last container is gone')),
    );
  }

  #remove(key: SetKey, cause: string): void {
    this.#lingering.get(key)?.cancel();
    this.#lingering.delete(key);
    const known = this.#known.get(key);
    if (known === undefined) return;
    this.#known.delete(key);
    this.#contributions.delete(key);
    this.#options.onSetRemoved(key);
    this.#report('set.removed', known, cause);
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

  #report(
    type: EventType,
    { tenant, app, set }: Pick<Identity, 'tenant' | 'app' | 'set'>,
    cause: string,
    data?: Readonly<Record<string, unknown>>,
  ): void {
    this.#options.emit({ type, tenant, app, set, cause, ...(data === undefined ? {} : { data }) });
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
