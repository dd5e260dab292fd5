/**
 * A platform without an Engine for tests of the keeper of apps: a host that makes replicas of nothing, and a scaler that
 * does what the shares say. What is true of it can be broken at will: images that are not there, revisions that crash or
 * never become ready, a process that is killed at any write.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Apps } from '#apps/apps';
import type { RevisionCounters } from '#apps/canary';
import type { AppsPorts, ReplicaSight, SetInForce } from '#apps/ports';
import { type Clock, systemClock } from '#core/clock';
import { TidegateError } from '#core/errors';
import type { EventDraft } from '#core/event';
import { silentLog } from '#core/log';
import type { SetKey } from '#core/set';
import { NO_OPTIONS, type SetSpec } from '#core/set-spec';
import type { HostEngine } from '#docker/host-engine';
import type { ReplicaPlan } from '#docker/replica-plan';
import { openSqliteStore } from '#store/sqlite-store';
import type { Store } from '#store/store';
import { FakeImages } from './fake-images.ts';

export interface FakeReplica {
  readonly id: string;
  readonly host: string;
  readonly key: SetKey;
  readonly share: string;
  readonly plan: ReplicaPlan;
  phase: string;
  failures: number;
  members: Record<string, string>;
}

export class Platform {
  readonly events: EventDraft[] = [];
  readonly replicas = new Map<string, FakeReplica>();
  /** Every picture that was put in force, in order. */
  readonly declared: SetInForce[] = [];
  readonly images = new FakeImages();
  /** Image references that cannot be had. */
  readonly missing = this.images.missing;
  /** Images whose containers end at once. */
  readonly crashing = new Set<string>();
  /** Images whose containers listen on no port. */
  readonly portless = new Set<string>();
  /** Images whose containers never answer. */
  readonly silent = new Set<string>();
  readonly pulled = this.images.pulled;
  readonly resized: string[] = [];
  /** Reasons for which images are no longer kept. */
  readonly released: string[] = [];
  /** Sets whose scale is no longer remembered. */
  readonly forgotten: SetKey[] = [];
  /** The host does not answer. */
  isAway = false;
  /** Those of the settings. */
  hosts = ['local'];
  /** Those that do not answer for now. */
  readonly silentHosts = new Set<string>();
  /** `<host>/<name>`. */
  readonly volumes = new Set<string>();
  /** Shares whose replicas do not go. */
  readonly sticking = new Set<string>();
  clock: Clock = systemClock;
  counted = new Map<string, RevisionCounters>();
  awake = 1;
  /** The store takes nothing. */
  refusesWrites = false;
  refused = 0;
  /** Writes that take until then. */
  slow: { readonly is: (changes: string) => boolean; readonly until: Promise<void> } | null = null;
  /** How long every write takes, before it is made; left out: no time. */
  delay: (() => Promise<void>) | null = null;
  /** An opened one begins; otherwise it waits for its hosts to be listed. */
  beginsAtOnce = true;
  apps!: Apps;
  readonly #onState = new Set<Parameters<HostEngine['onState']>[0]>();
  readonly #directory = mkdtempSync(path.join(tmpdir(), 'tidegate-apps-'));
  readonly #inForce = new Map<SetKey, SetInForce>();
  #store: Store | null = null;
  #isOwnStore = true;
  #ids = 0;
  #writesLeft = Number.POSITIVE_INFINITY;

  /** @param store that somebody else closes; left out: one of its own */
  async open(store: Store | null = null): Promise<Apps> {
    this.#store = store ?? (await openSqliteStore(this.#directory));
    this.#isOwnStore = store === null;
    this.#writesLeft = Number.POSITIVE_INFINITY;
    this.apps = await Apps.open(this.#ports(this.#store));
    if (this.beginsAtOnce) await this.apps.begin();
    return this.apps;
  }

  /** The process is killed: nothing is written any more; what the hosts have stays. */
  async kill(): Promise<void> {
    this.#writesLeft = 0;
    this.apps.close();
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (this.#isOwnStore) await this.#store?.close();
  }

  /** After so many writes no further one is taken: as if the process had been killed before it. */
  killAfterWrites(count: number): void {
    this.#writesLeft = count;
  }

  get isKilled(): boolean {
    return this.#writesLeft <= 0;
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** The silent ones answer again. */
  hostsAreBack(): void {
    this.silentHosts.clear();
    for (const tell of this.#onState) tell('reachable', '');
  }

  inForce(key: SetKey): SetInForce | undefined {
    return this.#inForce.get(key);
  }

  ofShare(share: string): readonly FakeReplica[] {
    return [...this.replicas.values()].filter((one) => one.share === share);
  }

  #ports(store: Store): AppsPorts {
    const guarded = new Proxy(store, {
      get: (target, name) => {
        const value = Reflect.get(target, name) as unknown;
        if (name !== 'changeDocuments' || typeof value !== 'function') {
          return typeof value === 'function' ? value.bind(target) : value;
        }
        return (...given: unknown[]) => {
          if (this.#writesLeft <= 0) return new Promise(() => {});
          if (this.refusesWrites) {
            this.refused++;
            return Promise.reject(new TidegateError('store.failed', 'the disk is full'));
          }
          this.#writesLeft--;
          if (this.delay !== null) return this.delay().then(() => value.apply(target, given));
          if (this.slow?.is(JSON.stringify(given[0]))) return this.slow.until.then(() => value.apply(target, given));
          return value.apply(target, given);
        };
      },
    });
    return {
      clock: this.clock,
      log: silentLog,
      emit: (event) => void this.events.push(event),
      store: guarded,
      newId: (prefix) => `${prefix}_${String(++this.#ids).padStart(26, '0')}`,
      instance: 'ins_test',
      seal: (plain, context) => Buffer.from(`${context}|${plain}`).toString('base64'),
      unseal: (sealed, context) => {
        const text = Buffer.from(sealed, 'base64').toString();
        if (!text.startsWith(`${context}|`)) throw new TidegateError('vault.sealed', 'sealed for another place');
        return text.slice(context.length + 1);
      },
      engines: () => this.hosts.map((host) => this.#engine(host)),
      sight: (key) => ({
        target: { min: 0, max: 10, awake: this.awake },
        replicas: this.#of(key).map(
          (one): ReplicaSight => ({
            ...{
              id: `${one.host}/${one.id}`,
              host: one.host,
              phase: one.phase,
              revision: one.share,
              failures: one.failures,
            },
            inFlight: 0,
          }),
        ),
      }),
      declare: (set) => {
        this.#inForce.set(set.key, set);
        this.declared.push(set);
        void this.#reconcile(set.key);
      },
      undeclare: (key) => void this.#inForce.delete(key),
      forgetScale: (key) => Promise.resolve(void this.forgotten.push(key)),
      settled: () => new Promise((resolve) => setImmediate(resolve)),
      counters: () => Promise.resolve(this.counted),
    };
  }

  #of(key: SetKey): FakeReplica[] {
    const left = this.#inForce.get(key)?.leftHosts ?? [];
    return [...this.replicas.values()].filter((one) => one.key === key && !left.includes(one.host));
  }

  /** What the scaler does with shares, without time. */
  async #reconcile(key: SetKey): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    const set = this.#inForce.get(key);
    if (set === undefined || this.isKilled) return;
    for (const replica of this.#of(key)) {
      const isWanted = set.shares.some((one) => one.revision === replica.share);
      if (!isWanted && !this.sticking.has(replica.share)) this.replicas.delete(replica.id);
    }
    for (const share of set.shares) {
      const wanted = share.replicas ?? (share.held || this.ofShare(share.revision).length > 0 ? this.awake : 0);
      const own = this.#of(key).filter((one) => one.share === share.revision);
      const surplus = this.sticking.has(share.revision) ? [] : own.slice(wanted);
      for (const one of surplus) this.replicas.delete(one.id);
      for (let n = own.length; n < wanted; n++) {
        try {
          await this.apps.factory.make(key, share.revision);
        } catch {
          setTimeout(() => void this.#reconcile(key), 5).unref();
          break;
        }
      }
    }
    this.apps.seen(key);
  }

  #engine(host: string): HostEngine {
    const engine: Partial<HostEngine> = {
      host,
      state: this.silentHosts.has(host) ? 'degraded' : 'reachable',
      onState: (listener) => {
        this.#onState.add(listener);
        return () => this.#onState.delete(listener);
      },
      list: () => {
        if (this.isAway || this.silentHosts.has(host))
          return Promise.reject(new TidegateError('engine.unreachable', 'local is away'));
        return Promise.resolve(
          [...this.replicas.values()]
            .filter((one) => one.host === host)
            .map(({ id, plan }) => ({
              ...{ id, status: 'running' as const },
              labels: { ...plan.labels, 'tidegate.role': 'pause' },
            })),
        );
      },
      ...this.images.engine,
      keepImage: () => Promise.resolve(),
      releaseImage: (reason) => Promise.resolve(void this.released.push(reason)).then(() => 'removed' as const),
      ensureNetwork: ({ name }) => Promise.resolve(name),
      ensureVolume: ({ name }) => Promise.resolve(void this.volumes.add(`${host}/${name}`)),
      networks: () => Promise.resolve([]),
      volumes: () => {
        const own = [...this.volumes]
          .filter((one) => one.startsWith(`${host}/`))
          .map((one) => one.slice(host.length + 1));
        return Promise.resolve(own.map((name) => ({ id: name, name, labels: {} })));
      },
      sweepReplicas: () => Promise.resolve([]),
      stop: () => Promise.resolve(),
      remove: (id) => {
        this.replicas.delete(id);
        return Promise.resolve();
      },
      inspect: (id) => Promise.reject(new TidegateError('engine.not_found', `${id} is not there`)),
      resize: (id) => {
        this.resized.push(id);
        return Promise.resolve();
      },
      replaceMembers: (id, members) => {
        const replica = this.replicas.get(id);
        for (const one of members) if (replica !== undefined) replica.members[one.name] = one.image;
        const isBad = members.some((one) => this.crashing.has(one.image.replace('sha256:', '')));
        if (replica !== undefined) replica.phase = isBad ? 'failed' : 'ready';
        return Promise.resolve();
      },
      makeReplica: (plan) => {
        const {
          'tidegate.tenant': tenant,
          'tidegate.app': app,
          'tidegate.set': set,
          'tidegate.revision': share,
        } = plan.labels;
        const images = plan.members.map((one) => one.image.replace('sha256:', ''));
        const isBad = images.some((one) => this.crashing.has(one));
        const isSilent = images.some((one) => this.silent.has(one));
        const isPortless = images.some((one) => this.portless.has(one));
        this.replicas.set(plan.id, {
          ...{ id: plan.id, host, key: `${tenant}/${app}/${set}`, share: share ?? '', plan },
          phase: isBad ? 'failed' : isSilent ? 'probing' : isPortless ? 'running' : 'ready',
          failures: isBad ? 3 : 0,
          members: Object.fromEntries(plan.members.map((one) => [one.name, one.image])),
        });
        return Promise.resolve(plan.id);
      },
    };
    return engine as HostEngine;
  }
}

export function specOf(image: string, labels: Readonly<Record<string, string>> = {}): SetSpec {
  return {
    class: 'app',
    containers: [
      { index: 1, name: 'main', image, options: NO_OPTIONS },
      { index: 2, name: 'agent', image: 'agent:1', options: NO_OPTIONS },
    ],
    resources: { cpu: 1, memory: 128 * 1024 * 1024 },
    volume: null,
    sysctls: {},
    sharePids: false,
    hostNamespaces: [],
    publish: [],
    links: [],
    pull: 'missing',
    labels: { 'tidegate.port': '8080', ...labels },
  };
}
