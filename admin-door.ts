/** The admin API as control opens it: what it needs of all other parts comes together here. */
import { allMetrics } from '#admin/known-metrics';
import type { AdminPorts, MetricFamily } from '#admin/ports';
import { type AdminServer, startAdminServer } from '#admin/server';
import { wakeMetrics } from '#admin/traffic-metrics';
import { TrafficMinute } from '#admin/traffic-minute';
import type { Apps } from '#apps/apps';
import type { ClientAuthoritySource } from '#certs/client-authority';
import { type Clock, pause } from '#core/clock';
import type { Config } from '#core/config';
import { LATENCY_BOUNDS_S } from '#core/latency';
import type { Log } from '#core/log';
import type { ListenAddress } from '#core/settings';
import { TrustedProxies } from '#core/trusted-proxies';
import type { Discovery } from '#discovery/discovery';
import type { DockerEngine } from '#docker/docker-engine';
import type { RouteTable } from '#router/route-table';
import { NO_OVERRIDE } from '#scaler/scale-target';
import type { Scaler } from '#scaler/scaler';
import type { EventLog } from '#store/event-log';
import type { CertificateKeepers } from './certificate-keepers.ts';
import type { ContainerLogs } from './container-logs.ts';
import type { HostBoard } from './host-board.ts';
import type { Memory } from './memory.ts';
import type { Signals } from './signals.ts';
import { openSinks } from './sinks.ts';
import type { Tenancy } from './tenancy.ts';
import { type Traffic, trafficFamilies } from './traffic.ts';

/** How long requests wait at the start for what runs on the hosts: one that hangs is to be seen, and to be worked around. */
const FOUND_WITHIN_MS = 3000;

export interface AdminDoorParts {
  readonly config: Config;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly table: RouteTable;
  readonly events: EventLog;
  readonly board: HostBoard;
  readonly traffic: Traffic;
  readonly keepers: CertificateKeepers;
  readonly tenancy: Tenancy;
  readonly containerLogs: ContainerLogs;
  readonly clientAuthorities: ClientAuthoritySource;
  readonly memory: Memory;
  readonly discovery: Discovery;
  readonly scaler: Scaler;
  readonly apps: Apps;
  readonly signals: Signals;
  /** By name of host. */
  readonly engines: ReadonlyMap<string, DockerEngine>;
  /** What still has to happen before traffic can be served, in words. */
  readonly missing: () => readonly string[];
  readonly address: ListenAddress;
}

/** @throws TidegateError `listener.in_use` or `listener.denied` */
export async function openAdminDoor(parts: AdminDoorParts): Promise<AdminServer> {
  const { config, version, clock, log, table, events, board, traffic, keepers, tenancy } = parts;
  const { clientAuthorities, containerLogs, memory, discovery, scaler, apps, signals, engines, missing, address } =
    parts;
  const minute = new TrafficMinute({
    ...{ clock, log, boundsS: LATENCY_BOUNDS_S },
    collect: async () => (await traffic.collect()).sets,
  });
  const listed = new AbortController();
  void discovery.ready.then(() => listed.abort());
  const ports: AdminPorts = {
    found: pause(clock, FOUND_WITHIN_MS, listed.signal),
    ...{ version, clock, log, table, events, missing, tenancy, clientAuthorities, apps },
    baseDomain: config.baseDomain,
    record: events.record,
    hosts: () => board.views(),
    allocatable: (host) => apps.factory.reserve.allocatable(host),
    collect: async (): Promise<MetricFamily[]> => {
      const [families, certificates] = await Promise.all([trafficFamilies(traffic), keepers.collect()]);
      return [
        ...families,
        wakeMetrics(scaler.wakeTimes()),
        ...signals.families(),
        ...certificates,
        ...sinks.families(),
      ];
    },
    authenticate: tenancy.authenticate,
    proxies: new TrustedProxies(config.trustedProxies),
    domains: keepers.domains,
    certificates: keepers.book,
    answers: memory.store,
    logs: containerLogs.store,
    meter: signals.sampler,
    minute,
    exec: { engine: (host) => engines.get(host) ?? null, touch: (replica) => scaler.touch(replica) },
    sets: {
      all: () => discovery.sets(),
      get: (key) => discovery.set(key) ?? undefined,
      live: (key) => scaler.view(key),
    },
    scaling: {
      setting: (key) => memory.scales.get(key),
      lease: async (tenant, app, ttlMs) => {
        const found = scaler.lease(tenant, app, ttlMs);
        if (found) await memory.leases.writing.flush();
        return found;
      },
      change: async (key, setting) => {
        await memory.scales.change(key, setting);
        scaler.scale(key, setting ?? NO_OVERRIDE);
      },
    },
  };
  const sinks = openSinks({
    ...{ config, clock, log, version },
    instance: memory.instance,
    collect: () => allMetrics(ports),
  });
  const close = (): void => {
    minute.close();
    sinks.close();
  };
  try {
    const server = await startAdminServer(ports, address);
    return { ...server, close: () => server.close().finally(close) };
  } catch (error) {
    close();
    throw error;
  }
}
