/**
 * Tidegate as a whole: every part made in order, handed what it needs of the others, and taken down in reverse. Keepers
 * do not know each other; what one tells the next passes through here.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { AdminServer } from '#admin/server';
import type { Apps } from '#apps/apps';
import { systemClock } from '#core/clock';
import type { Config } from '#core/config';
import type { EventDraft } from '#core/event';
import { newId } from '#core/id';
import { jsonLog, type Log } from '#core/log';
import type { ListenAddress } from '#core/settings';
import { Discovery } from '#discovery/discovery';
import { RouteTable } from '#router/route-table';
import { networkProbe } from '#scaler/probe';
import { NO_OVERRIDE } from '#scaler/scale-target';
import { Scaler } from '#scaler/scaler';
import type { EventLog } from '#store/event-log';
import { PictureKeeper } from '#store/picture-keeper';
import { Fleet, type FleetOptions } from '#workers/fleet';
import { openAdminDoor } from './admin-door.ts';
import { openApps } from './app-keeper.ts';
import { CertificateKeepers } from './certificate-keepers.ts';
import { openClientAuthorities } from './certificates.ts';
import { openContainerLogs } from './container-logs.ts';
import { DomainRoutes } from './domain-routes.ts';
import { HostBoard } from './host-board.ts';
import { keepHosts, memoryRoomOf, openHosts, reachesOf } from './hosts.ts';
import { openMemory, type Part } from './memory.ts';
import { openSignals } from './signals.ts';
import { reportTable } from './table-events.ts';
import { amountsHeld, openTenancy } from './tenancy.ts';
import { fleetTraffic, revisionCounts, trafficAlone } from './traffic.ts';

export interface TidegateOptions {
  readonly config: Config;
  readonly version: string;
  /** Takes one line of log, newline included. */
  readonly writeLine: (line: string) => void;
  /** The processes that serve; null: everything is in this one. */
  readonly workers: WorkersOptions | null;
}

export interface WorkersOptions extends Pick<FleetOptions, 'post' | 'giveUp' | 'expected'> {
  /** Process id of what started this and them. */
  readonly supervisor: number;
  /** A shared listener for the admin API; null: one of its own. */
  readonly admin: ListenAddress | null;
  /** May be called twice: from now on the workers may talk. */
  readonly onFleet: (fleet: Fleet) => void;
  readonly onReady: () => void;
}

export class Tidegate {
  readonly #options: TidegateOptions;
  readonly #log: Log;
  readonly #parts: Part[] = [];
  readonly #missing = new Set<string>(['the hosts have not been listed yet', 'the listeners are not open yet']);
  /** Settled once connections are accepted. */
  readonly #serving = Promise.withResolvers<void>();
  #closing: Promise<void> | null = null;
  #events: EventLog | null = null;
  #hasSuccessor = false;

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

  /** Ends everything in order. Containers stay as they are; what is frozen becomes an Engine pause, unless another goes on. */
  close(cause: string, hasSuccessor = false): Promise<void> {
    this.#hasSuccessor ||= hasSuccessor;
    this.#closing ??= this.#takeDown(cause);
    return this.#closing;
  }

  async #start(): Promise<void> {
    const { config, version } = this.#options;
    const clock = systemClock;
    const log = this.#log;
    log.info('starting', { version, pid: process.pid });
    const supervisor = this.#options.workers?.supervisor;
    const memory = await openMemory({
      config,
      clock,
      log,
      holder: supervisor,
      onOpened: (part) => this.#parts.push(part),
    });
    const { events } = memory;
    this.#events = events;
    const tenancy = await openTenancy({
      ...{ store: memory.store, clock, log, operator: memory.token },
      measured: (tenant) => amountsHeld(apps.library, memory.scales, tenant),
    });
    this.#parts.push({ name: 'tenancy', close: () => tenancy.close() });
    const idOf = (prefix: string): string => newId(prefix, clock.wall(), randomBytes);
    const hosts = openHosts(config, { clock, log, memory, newId: idOf });
    for (const { host, engine } of hosts) this.#parts.push({ name: `engine ${host}`, close: () => engine.close() });
    const engines = new Map(hosts.map(({ host, engine }) => [host, engine]));
    const board = new HostBoard([...engines.values()], clock);

    const keepers = await CertificateKeepers.open({
      ...{ config, clock, log, emit: events.record, store: memory.store, instance: memory.instance },
      board: () => traffic.challenges,
      routes: () => table.routes(),
      onCertificates: (names) => traffic.forgetCertificates(names),
      onDomains: () => domainRoutes.refresh(),
    });
    const clientAuthorities = await openClientAuthorities(config, {
      ...{ clock, log },
      onRejected: (file, fault) => events.record({ type: 'certificate.ca_rejected', cause: fault, data: { file } }),
    });
    this.#parts.push({ name: 'client authorities', close: () => clientAuthorities.close() });
    const containerLogs = await openContainerLogs({ config, clock, log, engine: (host) => engines.get(host) ?? null });
    this.#parts.push({ name: 'container logs', close: containerLogs.close });
    let appsKept: Apps | null = null;
    const table = new RouteTable({ clock, random: Math.random, onPool: (pool) => fleet?.watch(pool) });
    const signals = openSignals({ config, clock, emit: events.record, engines, sets: () => discovery.sets() });
    this.#parts.push({ name: 'signals', close: () => signals.sampler.close() });
    const scaler = new Scaler({
      ...{ clock, log, emit: events.record, newId: idOf },
      ...{ probe: networkProbe, notes: memory.sleeping, leases: memory.leases },
      engine: (host) => engines.get(host) ?? null,
      refresh: (host, containerId) => discovery.refresh(host, containerId),
      pool: (key) => table.pool(key),
      clear: (replica) => fleet?.clear(replica) ?? null,
      override: (key) => memory.scales.get(key),
      sandboxesMax: config.sandboxes,
      wakesOf: (tenant) => tenancy.tenants.wakesOf(tenant),
      makeReplica: (key, revision) => appsKept?.factory.make(key, revision) ?? notYet(),
      usage: signals.usage,
      memoryRoom: memoryRoomOf(hosts, clock),
      onViewChanged: (key) => appsKept?.seen(key),
    });
    const { workers } = this.#options;
    const isWhole = (): boolean => discovery.hosts().every(({ listed }) => listed);
    const fleet =
      workers === null
        ? null
        : new Fleet({ ...workers, clock, log, table, admitter: scaler, isWhole, onUncertified: keepers.hurry });
    const pictures = new PictureKeeper({ store: memory.store, clock, log, draw: () => discovery.exportSnapshots() });
    const domainRoutes = new DomainRoutes({
      ...{ proved: keepers.domains, emit: events.record },
      labelTrust: config.labelTrust,
      baseDomain: config.baseDomain,
      apply: (snapshot) => {
        reportTable(table.apply(snapshot), snapshot, events.record);
        fleet?.apply(snapshot);
        keepers.routesChanged();
      },
    });
    domainRoutes.refresh();
    const reaches = await reachesOf(hosts, hostname());
    const discovery = new Discovery({
      hosts: reaches,
      baseDomain: config.baseDomain,
      clock,
      log,
      emit: events.record,
      initial: await PictureKeeper.recall(memory.store),
      onSet: (snapshot) => {
        domainRoutes.observe(snapshot);
        scaler.observe(snapshot);
        containerLogs.observe(snapshot);
        pictures.changed();
      },
      onSetRemoved: (key) => {
        reportTable(table.remove(key), null, events.record);
        fleet?.remove(key);
        domainRoutes.forget(key);
        keepers.routesChanged();
        scaler.forget(key);
        containerLogs.forget(key);
        pictures.changed();
      },
      onExec: (host, containerId) => scaler.touch(`${host}/${containerId}`),
    });

    const traffic =
      fleet === null
        ? await trafficAlone({
            ...{ config, clock, log, table, clientAuthorities },
            admitter: scaler,
            onUncertified: keepers.hurry,
          })
        : fleetTraffic(fleet);

    const apps = await openApps({
      ...{ clock, log, memory, emit: events.record, box: keepers.box },
      engines: () => hosts.map(({ engine }) => engine),
      capacity: (host) => board.capacity(host),
      view: (key) => scaler.view(key),
      declare: (set) => discovery.declare(set),
      undeclare: (key) => discovery.undeclare(key),
      forgetScale: async (key) => {
        await memory.scales.change(key, null);
        scaler.scale(key, NO_OVERRIDE);
      },
      settled: () => traffic.settled(),
      counters: (key) => revisionCounts(traffic, key),
    });
    appsKept = apps;
    const admin = await openAdminDoor({
      ...{ config, version, clock, log, table, events, board, traffic, keepers, tenancy, containerLogs },
      ...{ clientAuthorities, memory, discovery, scaler, apps, signals, engines },
      missing: () => [...this.#missing],
      address: this.#options.workers?.admin ?? config.admin,
    });
    this.#opened('admin', admin);
    this.#parts.push({ name: 'admin', close: () => admin.close() });
    this.#parts.push({ name: 'apps', close: () => apps.close() });
    this.#parts.push({ name: 'pictures', close: () => pictures.flush() });
    this.#parts.push({ name: 'discovery', close: () => discovery.close() });
    this.#parts.push({ name: 'scaler', close: () => scaler.close(this.#hasSuccessor) });
    this.#parts.push(traffic);
    this.#parts.push({ name: 'domains and certificates', close: () => keepers.close() });

    if (fleet !== null && [...(this.#options.workers?.expected ?? [])].length > 0) {
      // They go on serving by what an earlier control told them; what they have in flight is to be known first.
      this.#options.workers?.onFleet(fleet);
      await fleet.gathered;
      this.serves();
    }
    discovery.start();
    signals.sampler.begin();
    for (const { name, address } of await traffic.listen()) this.#opened(name, address);
    if (fleet === null) this.serves();
    else this.#options.workers?.onFleet(fleet);
    void discovery.ready.then(async () => {
      fleet?.complete();
      // The workers know what is known here, too.
      await fleet?.settled();
      this.#missing.delete('the hosts have not been listed yet');
      // Hostnames are looked at from outside, as an authority would: somebody has to answer.
      void this.#serving.promise.then(() => keepers.begin());
      this.#parts.push(keepHosts(hosts, { clock, relieve: (host, cause) => scaler.relieve(host, cause) }));
      void apps.begin().catch((error) => log.error('apps cannot be kept as they should be', { error }));
      log.info('ready', { sets: [...discovery.sets()].length, hostnames: table.hostCount });
      this.#options.workers?.onReady();
    });
  }

  /** Connections are accepted. */
  serves(): void {
    this.#missing.delete('the listeners are not open yet');
    this.#serving.resolve();
  }

  /** It is about to end, which takes a while. */
  endsSoon(): void {
    this.#missing.add('Tidegate is ending');
  }

  /** Something happened that is known outside alone. */
  record(draft: EventDraft): void {
    this.#events?.record(draft);
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

/** Sets that the API makes are put in force after their keeper is there. */
function notYet(): never {
  throw new Error('apps are not kept yet');
}
