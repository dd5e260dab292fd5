/**
 * The gateway as a process of its own for the side-by-side benchmark: the real route table, pools and request path, with
 * upstreams that are always there instead of containers. Counters run as in Tidegate; nothing is switched off.
 *
 *     node load/gateway-process.ts --port=8080 --routes=10000 --upstream=9000 --upstream=9001 [--access-log] [--lane=slow] [--transport=net]
 */
import { parseArgs } from 'node:util';
import { systemClock } from '#core/clock';
import { jsonLog } from '#core/log';
import { DEFAULT_POLICY, type ReplicaSnapshot, type RouteSpec, setKey } from '#core/set';
import { AccessLog } from '#gateway/access-log';
import { Gateway } from '#gateway/gateway';
import { TrustedProxies } from '#gateway/trusted-proxies';
import type { Admitter } from '#router/admission';
import { RouteTable } from '#router/route-table';
import { Upstream } from '#router/upstream';
import { ASKED_HOSTNAMES, DOMAIN } from './proxies/candidate.ts';

const RETRY_AFTER_S = 1;
const GRACE_MS = 1000;

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    routes: { type: 'string', default: '1' },
    upstream: { type: 'string', multiple: true, default: [] },
    'access-log': { type: 'boolean', default: false },
    lane: { type: 'string', default: 'fast' },
    transport: { type: 'string', default: 'auto' },
  },
});
const writeLine = (line: string): void => void process.stdout.write(line);
const table = new RouteTable({ clock: systemClock, random: Math.random });
fill(table, Number(values.routes), values.upstream.map(Number));

const gateway = new Gateway({
  table,
  admitter: neverAsleep(),
  clock: systemClock,
  log: jsonLog({ level: 'info', write: writeLine, wall: systemClock.wall }),
  random: Math.random,
  trustedProxies: new TrustedProxies([]),
  accessLog: values['access-log']
    ? new AccessLog({ write: writeLine, sample: 1, wall: systemClock.wall, random: Math.random })
    : null,
  httpsPort: null,
  lane: values.lane === 'slow' ? 'slow' : 'fast',
  transport: values.transport === 'net' || values.transport === 'handle' ? values.transport : 'auto',
});
await gateway.listen({ host: '127.0.0.1', port: Number(values.port) });
process.once('SIGTERM', () => void gateway.close({ graceMs: GRACE_MS }).then(() => process.exit(0)));

/** One set that is asked, with all hostnames that are asked for; the other routes are of sets with one hostname each. */
function fill(into: RouteTable, routes: number, ports: readonly number[]): void {
  const asked = Math.min(routes, ASKED_HOSTNAMES);
  addSet(into, 'asked', [...Array(asked).keys()].map(routeOf), ports);
  for (let i = asked; i < routes; i++) addSet(into, `other${i}`, [routeOf(i)], ports);
}

function addSet(into: RouteTable, app: string, routes: readonly RouteSpec[], ports: readonly number[]): void {
  const key = setKey('default', app, 'web');
  into.apply({ key, policy: DEFAULT_POLICY, routes });
  const pool = into.pool(key);
  for (const port of ports) {
    const upstream = new Upstream(replicaAt(app, port));
    pool?.add(upstream);
    pool?.signal(upstream, 'pass');
  }
}

function routeOf(number: number): RouteSpec {
  return { hostname: `site${number}${DOMAIN}`, path: '/', strip: false, port: null };
}

function replicaAt(app: string, port: number): ReplicaSnapshot {
  const containerId = `${app}-${port}`;
  return {
    id: `local/${containerId}`,
    host: 'local',
    containerId,
    name: containerId,
    status: 'running',
    createdAt: 0,
    startedAt: null,
    exitCode: null,
    pid: 0,
    hasHealthcheck: false,
    endpoints: [{ port, dialHost: '127.0.0.1', dialPort: port }],
    unroutable: null,
    revision: null,
    weight: 100,
    cloneOf: null,
    stopTimeoutS: 10,
  };
}

/** Nothing sleeps here: who finds no upstream will find none. */
function neverAsleep(): Admitter {
  const none = { code: 'no_replicas', retryAfterS: RETRY_AFTER_S } as const;
  return {
    admit: () => Promise.resolve({ outcome: 'stopped', ...none }),
    knock: () => none,
  };
}
