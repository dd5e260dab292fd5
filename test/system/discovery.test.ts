/** Discovery on a real Engine: what people do with `docker` is what the sets say a moment later. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { systemClock } from '#core/clock';
import type { EventDraft } from '#core/event';
import { silentLog } from '#core/log';
import type { ReplicaSnapshot, SetKey, SetSnapshot } from '#core/set';
import type { KnownSet } from '#discovery/composition';
import { Discovery } from '#discovery/discovery';
import { openEngine } from '#docker/docker-engine';
import type { Engine, EngineEvent, EventFollower } from '#docker/engine';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { addressOf, type Hello, runHello } from '../support/hello.ts';
import { until } from '../support/until.ts';

const SHOP: SetKey = 'default/shop/web';
const LABELS = { 'tidegate.app': 'shop' };

let daemon: TestEngine;
let engine: Engine;
let discovery: Discovery;
let events: EventDraft[];
let sets: Map<SetKey, SetSnapshot>;
/** Statuses of every delivered replica in order, each as `<name> <status>`, without repetition. */
let told: string[];
let inspects: string[];
/** Events as the Engine sent them: `<action> <container id>`. */
let heard: string[];

before(async () => {
  daemon = await startTestEngine();
  await daemon.images.hello();
});
after(() => daemon.close());

beforeEach(async () => {
  engine = openEngine({ endpoint: daemon.socket, host: 'local', clock: systemClock, log: silentLog });
  events = [];
  sets = new Map();
  told = [];
  inspects = [];
  heard = [];
  discovery = discoveryOver(engine);
  discovery.start();
  await discovery.ready;
});

afterEach(async () => {
  discovery.close();
  engine.close();
  await daemon.reset();
});

test('a container that is started is a replica that can be dialled', async () => {
  const hello = await runHello(daemon, { name: 'shop', labels: LABELS });
  const replica = await until(() => running('shop'), { what: 'the replica runs' });
  assert.deepEqual(replica.endpoints, [{ port: 8080, dialHost: hello.address, dialPort: 8080 }]);
  assert.deepEqual(sets.get(SHOP)?.routes, [{ hostname: 'shop.localhost', path: '/', strip: false, port: null }]);
  await answers({ ...hello, address: replica.endpoints[0]?.dialHost ?? '' });
});

test('docker stop takes a replica out on its stop signal, before it ends', async () => {
  const hello = await runHello(daemon, { name: 'shop', labels: LABELS, env: { STOP_DELAY_MS: '300' } });
  await answers(hello);
  await until(() => running('shop'));
  await hello.container.stop();
  await until(() => status('shop') === 'exited');
  const since = told.indexOf('shop running');
  assert.deepEqual(told.slice(since), ['shop running', 'shop stopping', 'shop exited']);
  assert.equal(typeof replicaOf('shop')?.exitCode, 'number');
  assert.ok(sets.get(SHOP)?.routes.length === 1, 'its routes stay');
});

test('a signal that is not meant to end it leaves a container in', async () => {
  const hello = await runHello(daemon, { name: 'shop', labels: LABELS });
  await until(() => running('shop'));
  await hello.container.kill({ signal: 'SIGWINCH' });
  await hello.container.rename({ name: 'renamed' });
  await until(() => replicaOf('renamed'), { what: 'a later event was followed' });
  assert.ok(!told.includes('shop stopping'));
});

test('pause, unpause, kill and start are followed', async () => {
  const hello = await runHello(daemon, { name: 'shop', labels: LABELS });
  await until(() => running('shop'));
  await hello.container.pause();
  await until(() => status('shop') === 'paused');
  await hello.container.unpause();
  await until(() => status('shop') === 'running');
  await hello.container.kill();
  await until(() => status('shop') === 'exited');
  assert.equal(replicaOf('shop')?.exitCode, 137);
  await hello.container.start();
  const replica = await until(() => running('shop'));
  assert.equal(replica.endpoints[0]?.dialHost, await addressOf(hello.container));
});

test('docker rm -f and a new container with the same name are one set throughout', async () => {
  const first = await runHello(daemon, { name: 'shop', labels: LABELS });
  await until(() => running('shop'));
  await first.container.remove({ force: true });
  await until(() => sets.get(SHOP)?.replicas.length === 0, { what: 'the set lingers without replicas' });
  const second = await runHello(daemon, { name: 'shop', labels: LABELS });
  await until(() => running('shop')?.containerId === second.id);
  assert.equal(events.filter((one) => one.type === 'set.removed').length, 0);
});

test('one changed container of many costs one inspect', async () => {
  const names = ['a', 'b', 'c', 'd', 'e'].map((name) => `shop-${name}`);
  const all = await Promise.all(names.map((name) => runHello(daemon, { name, labels: LABELS })));
  const [changed] = all;
  await until(() => all.every(({ id, name }) => heard.includes(`start ${id}`) && running(name)));
  await until(() => quiet(), { what: 'discovery has come to rest' });
  inspects.length = 0;
  await changed?.container.kill();
  await until(() => heard.includes(`die ${changed?.id}`) && status('shop-a') === 'exited');
  await until(() => quiet(), { what: 'discovery has come to rest' });
  assert.deepEqual(inspects, [changed?.id]);
});

test('user networks, the host network and the network of another container lead to where it listens', async () => {
  await daemon.docker.createNetwork({ Name: 'front' });
  const own = await runHello(daemon, { name: 'own', labels: LABELS, network: 'front' });
  const bridged = await runHello(daemon, { name: 'bridged', labels: { ...LABELS, 'tidegate.network': 'front' } });
  const lender = await runHello(daemon, { name: 'lender', labels: {}, env: { PORT: '9999' } });
  await runHello(daemon, { name: 'borrower', labels: LABELS, network: `container:${lender.id}` });
  await runHello(daemon, { name: 'hosted', labels: LABELS, network: 'host', env: { PORT: '0' } });
  assert.equal((await until(() => running('own'))).endpoints[0]?.dialHost, own.address);
  assert.equal((await until(() => running('borrower'))).endpoints[0]?.dialHost, lender.address);
  assert.equal((await until(() => running('hosted'))).endpoints[0]?.dialHost, '127.0.0.1');

  const missing = await until(() => running('bridged'));
  assert.match(missing.unroutable ?? '', /^tidegate\.network="front": it is not connected/);
  await daemon.docker.getNetwork('front').connect({ Container: bridged.id });
  const connected = await until(() => replicaOf('bridged')?.endpoints[0]);
  const { NetworkSettings } = await bridged.container.inspect();
  assert.equal(connected.dialHost, NetworkSettings.Networks.front?.IPAddress);
  await daemon.docker.getNetwork('front').disconnect({ Container: bridged.id });
  await until(() => replicaOf('bridged')?.endpoints.length === 0);
});

test('a daemon that hangs keeps its last good picture; its host is degraded, and recovers', async () => {
  await runHello(daemon, { name: 'shop', labels: LABELS });
  await until(() => running('shop'));
  daemon.signal('SIGSTOP');
  try {
    await until(() => events.some((one) => one.type === 'host.degraded'), { timeoutMs: 60_000 });
    assert.equal(status('shop'), 'running');
    assert.ok(discovery.hosts()[0]?.degraded);
  } finally {
    daemon.signal('SIGCONT');
  }
  await until(() => events.some((one) => one.type === 'host.recovered'), { timeoutMs: 60_000 });
  assert.equal(status('shop'), 'running');
  assert.deepEqual(
    events.filter((one) => one.type === 'set.removed'),
    [],
  );
});

test('after a restart of the daemon the picture is that of the new one, and no route was lost on the way', async () => {
  const hello = await runHello(daemon, { name: 'shop', labels: LABELS });
  await answers(hello);
  await until(() => running('shop'));
  await daemon.restart();
  await until(() => status('shop') === 'exited', { timeoutMs: 60_000, what: 'the end of the container is known' });
  assert.equal(sets.get(SHOP)?.routes.length, 1);
  await hello.container.start();
  const replica = await until(() => running('shop'), { timeoutMs: 60_000 });
  assert.equal(replica.endpoints[0]?.dialHost, await addressOf(hello.container));
  assert.deepEqual(
    events.filter((one) => one.type === 'set.removed'),
    [],
  );
});

test('a second discovery finds what the first exported, and what changed in between', async () => {
  const hello = await runHello(daemon, { name: 'shop', labels: LABELS });
  await until(() => running('shop'));
  discovery.close();
  const initial = JSON.parse(JSON.stringify(discovery.exportSnapshots()));
  await hello.container.kill();
  sets.clear();
  discovery = discoveryOver(engine, initial);
  discovery.start();
  assert.equal(status('shop'), 'running', 'served before the Engine was asked');
  await until(() => status('shop') === 'exited');
});

function discoveryOver(over: Engine, initial: readonly KnownSet[] = []): Discovery {
  return new Discovery({
    hosts: [
      {
        engine: counting(over),
        reach: { bridgeReachable: true, gatewayNetworks: null, publishedHost: '127.0.0.1' },
      },
    ],
    baseDomain: 'localhost',
    clock: systemClock,
    log: silentLog,
    emit: (draft) => events.push(draft),
    onSet: (snapshot) => {
      sets.set(snapshot.key, snapshot);
      for (const one of snapshot.replicas) {
        const line = `${one.name} ${one.status}`;
        if (told.findLast((earlier) => earlier.startsWith(`${one.name} `)) !== line) told.push(line);
      }
    },
    onSetRemoved: (key) => sets.delete(key),
    initial,
  });
}

/** The Engine, with a note of every inspect and every event. */
function counting(over: Engine): Engine {
  return new Proxy(over, {
    get(target, name) {
      if (name === 'inspect') {
        return (id: string) => {
          inspects.push(id);
          return target.inspect(id);
        };
      }
      if (name === 'follow') {
        return (follower: EventFollower, signal: AbortSignal) => {
          const onEvent = (event: EngineEvent): void => {
            heard.push(`${event.action} ${event.containerId}`);
            follower.onEvent(event);
          };
          target.follow({ ...follower, onEvent }, signal);
        };
      }
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

function replicaOf(name: string): ReplicaSnapshot | undefined {
  for (const set of sets.values()) for (const one of set.replicas) if (one.name === name) return one;
  return undefined;
}

function running(name: string): ReplicaSnapshot | undefined {
  const replica = replicaOf(name);
  return replica?.status === 'running' ? replica : undefined;
}

function status(name: string): string | undefined {
  return replicaOf(name)?.status;
}

/** From here on it hears its stop signal. */
async function answers(hello: Hello): Promise<void> {
  await until(() => fetch(`http://${hello.address}:${hello.port}/`), { what: 'hello answers' });
}

/** True once no inspect was asked for between two looks at the count, with a whole inspect in between. */
async function quiet(): Promise<boolean> {
  const count = inspects.length;
  const anyone = sets.get(SHOP)?.replicas[0];
  if (anyone !== undefined) await engine.inspect(anyone.containerId);
  await new Promise((resolve) => setImmediate(resolve));
  return inspects.length === count;
}
