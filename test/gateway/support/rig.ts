/**
 * A gateway on a free port with a table, sets and replicas that a test makes by hand. Every test runs on every lane.
 */
import type { RequestListener, Server } from 'node:http';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CertificateSource } from '#certs/certificate-source';
import type { ClientAuthoritySource } from '#certs/client-authority';
import { systemClock } from '#core/clock';
import { type Log, silentLog } from '#core/log';
import { DEFAULT_POLICY, type ReplicaSnapshot, type RouteSpec, type SetPolicy, setKey } from '#core/set';
import { TrustedProxies } from '#core/trusted-proxies';
import { AccessLog } from '#gateway/access-log';
import { Gateway } from '#gateway/gateway';
import type { SetCounts } from '#gateway/metrics';
import type { Admission, Admitter } from '#router/admission';
import type { Pool } from '#router/pool';
import { RouteTable } from '#router/route-table';
import { Upstream } from '#router/upstream';
import { until } from '#test/support/until';
import { HandAdmitter } from './admitters.ts';
import { type Received, type Sent, send, Wire } from './clients.ts';
import { app, rawReplica, type TestServer } from './upstreams.ts';

/** Nothing here takes long; a test that hangs is to say so. */
const TEST_TIMEOUT_MS = 120_000;

/** Ways through the gateway that all have to behave alike. */
export const LANES = ['slow', 'fast-net', 'fast-handle'] as const;
export type Lane = (typeof LANES)[number];

export interface RigOptions {
  readonly lane: Lane;
  readonly admitter?: Admitter;
  /** CIDRs. */
  readonly trusted?: readonly string[];
  readonly log?: Log;
  readonly accessLog?: (line: string) => void;
  readonly sample?: number;
  readonly httpsPort?: number | null;
  readonly headTimeoutMs?: number;
  readonly random?: () => number;
  readonly certificates?: CertificateSource;
  readonly clientAuthorities?: ClientAuthoritySource;
}

export interface SetOptions {
  /** Default `app.test`. */
  readonly host?: string;
  readonly set?: string;
  readonly policy?: Partial<SetPolicy>;
  readonly route?: Partial<RouteSpec>;
  /** Ports on 127.0.0.1, one a replica. */
  readonly ports: readonly number[];
}

/** A set of the rig: its pool and what it may dial. */
export interface RigSet {
  readonly pool: Pool;
  readonly upstreams: readonly Upstream[];
}

/** Takes lines that come together one by one. */
function byLine(take: (line: string) => void): (lines: string) => boolean {
  return (lines) => {
    for (const line of lines.split('\n')) if (line !== '') take(line);
    return true;
  };
}

export class Rig {
  readonly table: RouteTable;
  readonly gateway: Gateway;
  readonly lane: Lane;
  port = 0;
  #replicas = 0;
  readonly #owned: { close(): Promise<void> | void }[] = [];

  constructor(options: RigOptions) {
    const random = options.random ?? Math.random;
    const { accessLog, headTimeoutMs, clientAuthorities } = options;
    this.lane = options.lane;
    this.table = new RouteTable({ clock: systemClock, random });
    this.gateway = new Gateway({
      table: this.table,
      admitter: options.admitter ?? nothingToAdmit,
      clock: systemClock,
      log: options.log ?? silentLog,
      random,
      trustedProxies: new TrustedProxies(options.trusted ?? []),
      accessLog:
        accessLog === undefined
          ? null
          : new AccessLog({ write: byLine(accessLog), sample: options.sample ?? 1, wall: () => Date.now(), random }),
      httpsPort: options.httpsPort ?? null,
      lane: options.lane === 'slow' ? 'slow' : 'fast',
      transport: options.lane === 'fast-handle' ? 'handle' : 'net',
      ...(headTimeoutMs === undefined ? {} : { headTimeoutMs }),
      ...(options.certificates === undefined ? {} : { certificates: options.certificates }),
      ...(clientAuthorities === undefined ? {} : { clientAuthorities }),
    });
  }

  async start(): Promise<void> {
    this.port = (await this.gateway.listen({ host: '127.0.0.1', port: 0 })).port;
  }

  /** Adds a set with healthy replicas. */
  addSet(options: SetOptions): RigSet {
    const key = setKey('default', 'app', options.set ?? 'web');
    const policy = { ...DEFAULT_POLICY, ...options.policy };
    const hostname = options.host ?? 'app.test';
    this.table.apply({
      key,
      policy,
      routes: [{ hostname, path: '/', strip: false, port: null, ...options.route }],
    });
    const pool = this.table.pool(key);
    if (pool === undefined) throw new Error('the set has no pool');
    return { pool, upstreams: options.ports.map((port) => this.addReplica(pool, port)) };
  }

  /** Adds a healthy replica. */
  addReplica(pool: Pool, port: number, facts: Partial<ReplicaSnapshot> = {}): Upstream {
    this.#replicas++;
    const upstream = new Upstream({ ...replicaAt(port, this.#replicas), ...facts });
    pool.add(upstream);
    pool.signal(upstream, 'pass');
    return upstream;
  }

  /** Starts an app on node:http that ends with the rig. */
  async app(listener: RequestListener, configure?: (server: Server) => void): Promise<TestServer> {
    return this.owns(await app(listener, configure));
  }

  /** Starts a replica on bare sockets that ends with the rig. */
  async raw(answer: (socket: Socket, firstOctets: Buffer) => void): Promise<TestServer> {
    return this.owns(await rawReplica(answer));
  }

  /** Closes something at the end of the test, whatever becomes of that. */
  owns<T extends { close(): Promise<void> | void }>(thing: T): T {
    this.#owned.push(thing);
    return thing;
  }

  /** A whole exchange with the gateway. */
  async send(sent: Sent = {}): Promise<Received> {
    return await send(this.port, sent);
  }

  /** A bare connection to the gateway. */
  async wire(octets = ''): Promise<Wire> {
    const wire = await Wire.open(this.port);
    this.#owned.push({ close: () => wire.destroy() });
    if (octets !== '') wire.write(octets);
    return wire;
  }

  /** Sends octets on a connection of their own and tells everything that came back until it was closed. */
  async talk(octets: string): Promise<string> {
    const wire = await this.wire(octets);
    return await wire.over();
  }

  /** The counts of the set the tests use most. */
  counts(key = 'default/app/web'): SetCounts {
    const counts = this.gateway.collect().sets.find((one) => one.key === key);
    if (counts === undefined) throw new Error(`nothing was counted for ${key}`);
    return counts;
  }

  /** Waits until nothing is in flight. */
  async quiet(): Promise<void> {
    await until(() => this.gateway.collect().inFlight === 0, { what: 'a gateway at rest' });
  }

  /** Lets everything that is under way on this machine arrive: for showing that something does not happen. */
  async settled(): Promise<void> {
    await sleep(50);
  }

  async close(): Promise<void> {
    await this.gateway.close({ graceMs: 0 });
    for (const thing of this.#owned.reverse()) await thing.close();
  }
}

/** Registers a test on every lane, with a rig of its own that is closed after it. */
export function onEveryLane(name: string, options: Omit<RigOptions, 'lane'>, run: (rig: Rig) => Promise<void>): void {
  for (const lane of LANES) {
    test(`${name} (${lane} lane)`, { timeout: TEST_TIMEOUT_MS }, async () => {
      if (options.admitter instanceof HandAdmitter) options.admitter.reset();
      const rig = new Rig({ ...options, lane });
      await rig.start();
      try {
        await run(rig);
      } finally {
        await rig.close();
      }
    });
  }
}

/** An admitter for sets that never sleep: whoever asks it is told that there is nothing. */
const nothingToAdmit: Admitter = {
  admit: async (): Promise<Admission> => ({ outcome: 'stopped', code: 'no_replicas', retryAfterS: 1 }),
  knock: () => ({ code: 'no_replicas', retryAfterS: 1 }),
};

function replicaAt(port: number, number: number): ReplicaSnapshot {
  return {
    id: `local/replica-${number}`,
    host: 'local',
    containerId: `replica-${number}`,
    name: `app-web-${number}`,
    status: 'running',
    createdAt: number,
    startedAt: null,
    exitCode: null,
    pid: 1,
    hasHealthcheck: false,
    endpoints: [{ port: 80, dialHost: '127.0.0.1', dialPort: port }],
    unroutable: null,
    revision: null,
    weight: 100,
    cloneOf: null,
    stopTimeoutS: 10,
  };
}
