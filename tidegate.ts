/**
 * Tidegate as a whole: every part made in order, handed what it needs of the others, and taken down in reverse. Keepers
 * do not know each other; what one tells the next passes through here.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import path from 'node:path';
import type { MetricFamily } from '#admin/ports';
import { type AdminServer, startAdminServer } from '#admin/server';
import { trafficMetrics } from '#admin/traffic-metrics';
import { systemClock } from '#core/clock';
import type { Config } from '#core/config';
import type { EventSink } from '#core/event';
import { newId } from '#core/id';
import { jsonLog, type Log } from '#core/log';
import type { SetKey, SetSnapshot } from '#core/set';
import { Discovery } from '#discovery/discovery';
import { Gateway } from '#gateway/gateway';
import { LATENCY_BOUNDS_S } from '#gateway/metrics';
import { TrustedProxies } from '#gateway/trusted-proxies';
import { RouteTable, type TableChange } from '#router/route-table';
import { networkProbe } from '#scaler/probe';
import { Scaler } from '#scaler/scaler';
import { EventLog } from '#store/event-log';
import { type OperatorToken, openOperatorToken } from '#store/operator-token';
import { PictureKeeper } from '#store/picture-keeper';
import { ScaleSettings } from '#store/scale-settings';
import { SleepLog } from '#store/sleep-log';
import { openSqliteStore } from '#store/sqlite-store';
import type { Store } from '#store/store';
import { HostBoard } from './host-board.ts';
import { openHosts, reachesOf } from './hosts.ts';

/** What is in flight when Tidegate ends gets this long. */
const GRACE_MS = 30_000;

export interface TidegateOptions {
  readonly config: Config;
  readonly version: string;
  /** Takes one line of log, newline included. */
  readonly writeLine: (line: string) => void;
}

/** What is taken down at the end, last made first. */
interface Part {
  readonly name: string;
  readonly close: () => Promise<void> | void;
}

interface Memory {
  readonly store: Store;
  readonly events: EventLog;
  readonly scales: ScaleSettings;
  readonly sleeping: SleepLog;
  readonly token: OperatorToken;
}

export class Tidegate {
  readonly #options: TidegateOptions;
  readonly #log: Log;
  readonly #parts: Part[] = [];
  readonly #missing = new Set<string>(['the hosts have not been listed yet', 'the listeners are not open yet']);
  #closing: Promise<void> | null = null;

  constructor(options: TidegateOptions) {
    this.#options = options;
    this.#log = jsonLog({ level: options.config.log, write: options.writeLine, wall: systemClock.wall });
  }

  /**
   * Starts everything; resolves when the listeners are open. What runs already is found a moment later (`/readyz`).
   * @throws TidegateError when state, token or a listener cannot be had; what was started is taken down again
   */
  async start(): Promise<void> {
    try {
      await this.#start();
    } catch (error) {
      await this.close('a failed start');
      throw error;
    }
  }

  /** Ends everything in order. Containers stay as they are; what is frozen becomes an Engine pause. */
  close(cause: string): Promise<void> {
    this.#closing ??= this.#takeDown(cause);
    return this.#closing;
  }

  async #start(): Promise<void> {
    const { config, version } = this.#options;
    const clock = systemClock;
    const log = this.#log;
    log.info('starting', { version, pid: process.pid });
    for (const words of withoutEffect(config)) log.warn(words);
    const memory = await this.#remember();
    const { events } = memory;
    const hosts = openHosts(config, { clock, log });
    for (const { host, engine } of hosts) this.#parts.push({ name: `engine ${host}`, close: () => engine.close() });
    const engines = new Map(hosts.map(({ host, engine }) => [host, engine]));
    const board = new HostBoard([...engines.values()]);

    const table = new RouteTable({ clock, random: Math.random });
    const scaler = new Scaler({
      clock,
      log,
      emit: events.record,
      probe: networkProbe,
      notes: memory.sleeping,
      newId: (prefix) => newId(prefix, clock.wall(), randomBytes),
      engine: (host) => engines.get(host) ?? null,
      refresh: (host, containerId) => discovery.refresh(host, containerId),
      pool: (key) => table.pool(key),
      override: (key) => memory.scales.get(key),
    });
    const pictures = new PictureKeeper({ store: memory.store, clock, log, draw: () => discovery.exportSnapshots() });
    const reaches = await reachesOf(hosts, hostname());
    const discovery = new Discovery({
      hosts: reaches,
      baseDomain: config.baseDomain,
      clock,
      log,
      emit: events.record,
      initial: await PictureKeeper.recall(memory.store),
      onSet: (snapshot) => {
        reportTable(table.apply(snapshot), snapshot, events.record);
        scaler.observe(snapshot);
        pictures.changed();
      },
      onSetRemoved: (key) => {
        reportTable(table.remove(key), null, events.record);
        scaler.forget(key);
        pictures.changed();
      },
      onExec: (host, containerId) => scaler.touch(`${host}/${containerId}`),
    });

    const gateway = new Gateway({
      table,
      admitter: scaler,
      clock,
      log,
      random: Math.random,
      trustedProxies: new TrustedProxies(config.trustedProxies),
      accessLog: null,
      httpsPort: null,
      transport: config.transport,
    });

    const admin = await startAdminServer(
      {
        version,
        clock,
        log,
        table,
        record: events.record,
        events,
        hosts: () => board.views(),
        missing: () => [...this.#missing],
        collect: (): MetricFamily[] => trafficMetrics(gateway.collect().sets, LATENCY_BOUNDS_S),
        authenticate: async (given) => (memory.token.matches(given) ? { id: memory.token.id, operator: true } : null),
        sets: {
          all: () => discovery.sets(),
          get: (key) => discovery.set(key) ?? undefined,
          live: (key) => scaler.view(key),
        },
        scaling: {
          setting: (key) => memory.scales.get(key),
          lease: (tenant, app, ttlMs) => scaler.lease(tenant, app, ttlMs),
          change: async (key, setting) => {
            await memory.scales.change(key, setting);
            scaler.scale(key, setting ?? { min: null, max: null, replicas: null });
          },
        },
      },
      config.admin,
    );
    this.#opened('admin', admin);
    this.#parts.push({ name: 'admin', close: () => admin.close() });
    this.#parts.push({ name: 'pictures', close: () => pictures.flush() });
    this.#parts.push({ name: 'discovery', close: () => discovery.close() });
    this.#parts.push({ name: 'scaler', close: () => scaler.close() });
    this.#parts.push({ name: 'gateway', close: () => gateway.close({ graceMs: GRACE_MS }) });

    discovery.start();
    if (config.http !== null) this.#opened('http', await gateway.listen(config.http));
    this.#missing.delete('the listeners are not open yet');
    void discovery.ready.then(() => {
      this.#missing.delete('the hosts have not been listed yet');
      log.info('ready', { sets: [...discovery.sets()].length, hostnames: table.hostCount });
    });
  }

  async #remember(): Promise<Memory> {
    const { config } = this.#options;
    const clock = systemClock;
    const log = this.#log;
    const directory = path.resolve(config.data);
    const store = await openSqliteStore(directory);
    this.#parts.push({ name: 'store', close: () => store.close() });
    const events = await EventLog.open({ store, clock, random: randomBytes, log });
    this.#parts.push({ name: 'events', close: () => events.close() });
    const scales = await ScaleSettings.open(store);
    const sleeping = await SleepLog.open({ store, clock, log });
    this.#parts.push({ name: 'sleep notes', close: () => sleeping.flush() });
    const token = await openOperatorToken({
      store,
      directory,
      given: config.token,
      wall: clock.wall,
      random: randomBytes,
    });
    return { store, events, scales, sleeping, token };
  }

  #opened(listener: string, address: Pick<AdminServer, 'host' | 'port'>): void {
    this.#log.info('listening', { listener, host: address.host, port: address.port });
  }

  async #takeDown(cause: string): Promise<void> {
    this.#log.info('ending', { cause });
    this.#missing.add('Tidegate is ending');
    for (const part of this.#parts.reverse()) {
      try {
        await part.close();
      } catch (error) {
        this.#log.error('a part could not be ended in order', { part: part.name, error });
      }
    }
    this.#log.info('ended', {});
  }
}

/** Settings that this version reads and does not follow yet: silence about them would be a lie. */
function withoutEffect(config: Config): string[] {
  const words: string[] = [];
  if (config.https !== null) words.push('no TLS listener is opened: this version serves plain HTTP only');
  if (config.workers !== null && config.workers > 0) words.push('TIDEGATE_WORKERS: this version runs in one process');
  if (config.labelTrust === 'verified') words.push('TIDEGATE_LABEL_TRUST: this version trusts all labels');
  return words;
}

/** Conflicts and their end, as events of the set they concern. */
function reportTable(change: TableChange, snapshot: SetSnapshot | null, emit: EventSink): void {
  for (const { hostname: name, path: prefix, holder, claimant } of change.conflicts) {
    emit({
      type: 'route.conflict',
      ...namesOf(snapshot?.key ?? claimant),
      cause: `${name}${prefix} is held by ${holder}, which claimed it first`,
      data: { hostname: name, path: prefix, holder, claimant },
    });
  }
  for (const { hostname: name, path: prefix, holder, claimant } of change.taken) {
    emit({
      type: 'route.taken',
      ...namesOf(holder),
      cause: `${name}${prefix} was let go by ${claimant}`,
      data: { hostname: name, path: prefix, holder, before: claimant },
    });
  }
}

function namesOf(key: SetKey): { tenant: string; app: string; set: string } {
  const [tenant = '', app = '', set = ''] = key.split('/');
  return { tenant, app, set };
}
