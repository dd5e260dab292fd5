/** Sets that the API deploys on a real Engine: discovery and scaler make, keep, mend and remove replicas of revisions. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { systemClock } from '#core/clock';
import type { EventDraft } from '#core/event';
import { silentLog } from '#core/log';
import type { RevisionShare, SetKey } from '#core/set';
import { Discovery } from '#discovery/discovery';
import { openEngine } from '#docker/docker-engine';
import type { HostEngine } from '#docker/host-engine';
import type { Pool } from '#router/pool';
import { RouteTable } from '#router/route-table';
import { networkProbe } from '#scaler/probe';
import { Scaler } from '#scaler/scaler';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { IDLE_COMMAND, memberPlan, replicaPlan } from '../support/replica-plans.ts';
import { until } from '../support/until.ts';

const KEY: SetKey = 't/shop/web';
const NETWORK = 'tidegate-t-shop';
const PORT = 8080;

let daemon: TestEngine;
let image: string;
let engine: HostEngine;
let table: RouteTable;
let scaler: Scaler;
let discovery: Discovery;
let events: EventDraft[];
let replicaCount = 0;

before(async () => {
  daemon = await startTestEngine();
  image = await daemon.images.hello();
});
after(() => daemon?.close());

beforeEach(async () => {
  events = [];
  engine = openEngine({ endpoint: daemon.socket, host: 'local', clock: systemClock, log: silentLog });
  await engine.ensurePauseImage();
  table = new RouteTable({ clock: systemClock, random: Math.random });
  scaler = new Scaler({
    clock: systemClock,
    log: silentLog,
    emit: (draft) => events.push(draft),
    probe: networkProbe,
    notes: { get: () => null, put: () => {} },
    leases: { get: () => null, put: () => {} },
    engine: () => engine,
    refresh: (host, id) => discovery.refresh(host, id),
    pool: (key) => table.pool(key),
    override: () => null,
    sandboxesMax: 64,
    newId: (prefix) => `${prefix}_1`,
    makeReplica: (_key, revision) => makeReplica(revision),
  });
  discovery = new Discovery({
    hosts: [{ engine, reach: { bridgeReachable: true, gatewayNetworks: null, publishedHost: '127.0.0.1' } }],
    baseDomain: 'localhost',
    clock: systemClock,
    log: silentLog,
    emit: (draft) => events.push(draft),
    onSet: (snapshot) => {
      table.apply(snapshot);
      scaler.observe(snapshot);
    },
    onSetRemoved: (key) => {
      table.remove(key);
      scaler.forget(key);
    },
    onExec: (host, id) => scaler.touch(`${host}/${id}`),
  });
  discovery.start();
  await discovery.ready;
});

afterEach(async () => {
  discovery.close();
  await scaler.close();
  engine.close();
  await daemon.reset();
});

test('from nothing a request brings up a replica of two containers, which sleeps, wakes and goes', async () => {
  declare([share('r1')], { 'tidegate.scale.pause': '300ms', 'tidegate.scale.stop': '3s' });
  assert.equal(scaler.view(KEY)?.state, 'zero');
  await askOnce('r1');
  await until(() => scaler.view(KEY)?.state === 'frozen', { what: 'it freezes' });
  await askOnce('r1');
  await until(async () => (await statuses()).every((one) => one === 'exited'), { what: 'all of it stops' });
  assert.equal((await statuses()).length, 3);
  assert.equal(scaler.view(KEY)?.state, 'zero');
  await askOnce('r1');
  declare([]);
  await until(async () => (await statuses()).length === 0, { what: 'nothing is left' });
  assert.deepEqual(causes('replica.failed'), []);
});

test('a new revision proves itself without traffic, takes over at once, and the old one goes', async () => {
  declare([share('r1')], { 'tidegate.scale.min': '1' });
  await untilReady('r1');
  declare([share('r1'), share('r2', { weight: 0, held: true })], { 'tidegate.scale.min': '1' });
  await untilReady('r2');
  for (let i = 0; i < 10; i++) await askOnce('r1');
  declare([share('r1', { weight: 0 }), share('r2')], { 'tidegate.scale.min': '1' });
  for (let i = 0; i < 10; i++) await askOnce('r2');
  declare([share('r2')], { 'tidegate.scale.min': '1' });
  await until(() => scaler.view(KEY)?.replicas.every((one) => one.revision === 'r2'), { what: 'r1 is gone' });
  assert.equal((await statuses()).length, 3);
  assert.deepEqual(causes('replica.failed'), []);
});

test('a member that ends is started again, and a side member costs the main one nothing', async () => {
  declare([share('r1')], { 'tidegate.scale.min': '1' });
  await untilReady('r1');
  const before = await mainMember();
  await daemon.docker.getContainer(await containerOf('agent')).kill({ signal: 'SIGKILL' });
  await until(() => events.some((one) => one.type === 'container.died' && one.data?.member === 'agent'));
  await until(() => members().every((one) => one.status === 'running'), { what: 'the side member runs again' });
  assert.equal((await mainMember()).startedAt, before.startedAt);
  await daemon.docker.getContainer(before.containerId).kill({ signal: 'SIGKILL' });
  await until(() => members()[0]?.startedAt !== before.startedAt, { what: 'the main member runs anew' });
  await untilReady('r1');
  await askOnce('r1');
});

test('a replica that lost a member for good, or its pause container, is made anew', async () => {
  declare([share('r1')], { 'tidegate.scale.min': '1' });
  await untilReady('r1');
  const first = replica()?.containerId;
  await daemon.docker.getContainer(await containerOf('agent')).remove({ force: true });
  await until(() => replica()?.containerId !== first, { what: 'another replica' });
  await untilReady('r1');
  await until(async () => (await statuses()).length === 3, { what: 'the broken one is gone' });
  const second = replica()?.containerId ?? '';
  await daemon.docker.getContainer(second).remove({ force: true });
  await until(() => replica() !== undefined && replica()?.containerId !== second, { what: 'yet another' });
  await untilReady('r1');
  await askOnce('r1');
});

test('a replica that lost its network comes back with another one', async () => {
  declare([share('r1')], { 'tidegate.scale.min': '1' });
  await untilReady('r1');
  const before = await mainMember();
  await daemon.docker.getContainer(replica()?.containerId ?? '').kill({ signal: 'SIGKILL' });
  await until(() => allRun() && members()[0]?.startedAt !== before.startedAt, { what: 'its members run anew' });
  await untilReady('r1');
  await askOnce('r1');
});

test('other members in the place of some leave the replica what it is', async () => {
  declare([share('r1')], { 'tidegate.scale.min': '1' });
  await untilReady('r1');
  const id = replica()?.containerId ?? '';
  const main = await mainMember();
  const agent = await containerOf('agent');
  await engine.replaceMembers(id, [sideMember()], { 'tidegate.revision': 'r1' });
  await until(() => members()[1] !== undefined && members()[1]?.containerId !== agent && allRun(), { what: 'agent' });
  assert.equal((await mainMember()).startedAt, main.startedAt);
  await engine.replaceMembers(id, [mainMemberPlan('r1')], { 'tidegate.revision': 'r1' });
  await until(() => members()[0]?.containerId !== main.containerId && allRun(), { what: 'main' });
  await untilReady('r1');
  await askOnce('r1');
  assert.equal(replica()?.containerId, id);
  assert.deepEqual(causes('replica.failed'), []);
});

function share(revision: string, changes: Partial<RevisionShare> = {}): RevisionShare {
  return { revision, weight: 100, replicas: null, held: false, ...changes };
}

function declare(shares: readonly RevisionShare[], labels: Readonly<Record<string, string>> = {}): void {
  const always = { 'tidegate.port': String(PORT), 'tidegate.scale.min': '0', 'tidegate.drain': '2s' };
  const names = { key: KEY, tenant: 't', app: 'shop', set: 'web' };
  discovery.declare({ ...names, labels: { ...always, ...labels }, shares, routing: null });
}

async function makeReplica(revision: string): Promise<{ host: string; containerId: string }> {
  await engine.ensureNetwork({ name: NETWORK, labels: { 'tidegate.app': 'shop' } });
  const plan = replicaPlan({
    id: `rep_${++replicaCount}`,
    network: NETWORK,
    members: [mainMemberPlan(revision), sideMember()],
  });
  const labels = { ...plan.labels, 'tidegate.revision': revision };
  return { host: 'local', containerId: await engine.makeReplica({ ...plan, labels }) };
}

function mainMemberPlan(revision: string) {
  return memberPlan({ index: 1, name: 'main', image, env: { REVISION: revision } });
}

function sideMember() {
  return memberPlan({ index: 2, name: 'agent', image, command: IDLE_COMMAND });
}

function pool(): Pool {
  const found = table.pool(KEY);
  assert.ok(found);
  return found;
}

/** One request, as the gateway makes it: it is answered, by that revision. */
async function askOnce(revision: string): Promise<void> {
  const request = { client: '192.0.2.1', bytes: 100, hash: 0, tried: null };
  const claimed = pool().claim(0, null);
  const admission =
    claimed === null
      ? await scaler.admit(pool(), request, AbortSignal.timeout(20_000))
      : { outcome: 'admitted' as const, upstream: claimed };
  assert.equal(admission.outcome, 'admitted');
  const { upstream } = admission;
  try {
    assert.equal(upstream.revision, revision);
    const endpoint = upstream.endpoint(null);
    const answer = await fetch(`http://${endpoint?.dialHost}:${endpoint?.dialPort}/`, {
      signal: AbortSignal.timeout(5000),
    });
    assert.equal(answer.status, 200);
    await answer.arrayBuffer();
  } finally {
    pool().release(upstream);
  }
}

function untilReady(revision: string): Promise<unknown> {
  const isReady = () =>
    scaler.view(KEY)?.replicas.some((one) => one.revision === revision && one.phase === 'ready') === true;
  return until(isReady, { what: `a replica of ${revision} is ready` });
}

function replica() {
  return discovery.set(KEY)?.replicas[0];
}

function members() {
  return replica()?.members ?? [];
}

function allRun(): boolean {
  return members().length === 2 && members().every((one) => one.status === 'running');
}

async function mainMember() {
  return await until(() => members().find((one) => one.name === 'main'));
}

async function containerOf(name: string): Promise<string> {
  return (await until(() => members().find((one) => one.name === name))).containerId;
}

/** Of all containers of the set. */
async function statuses(): Promise<string[]> {
  return (await engine.list()).map((one) => one.status);
}

function causes(type: EventDraft['type']): string[] {
  return events.filter((one) => one.type === type).map((one) => one.cause);
}
