/** What discovery makes of each event of the Engine, in the order they come. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidegateError } from '#core/errors';
import { settle } from '../support/fake-clock.ts';
import type { FakeEngine } from './fake-engine.ts';
import { stage } from './scene.ts';

function one(engine: FakeEngine): void {
  engine.put('one');
}

test('a kill with a stop signal takes the container out at once, without an inspect', async () => {
  for (const signal of ['15', '2', '3', '9', 'SIGTERM']) {
    const scene = await stage({ prepare: one });
    const before = scene.engine.inspected.length;
    scene.engine.send('kill', 'one', { signal });
    assert.equal(scene.status(), 'stopping', `signal ${signal}, in the same turn`);
    await settle();
    assert.equal(scene.engine.inspected.length, before);
    assert.deepEqual(scene.causes('container.stopping'), ['a stop signal was sent to it']);
  }
});

test('a kill with the stop signal of the image counts, whatever that signal is', async () => {
  const scene = await stage({ prepare: (engine) => void engine.put('one', { stopSignal: 'SIGRTMIN+3' }) });
  scene.engine.send('kill', 'one', { signal: '37' });
  assert.equal(scene.status(), 'stopping');
});

test('a kill with any other signal changes nothing', async () => {
  for (const signal of ['1', '10', '12', '28', 'SIGHUP']) {
    const scene = await stage({ prepare: one });
    const deliveries = scene.delivered.length;
    scene.engine.send('kill', 'one', { signal });
    await settle();
    assert.equal(scene.status(), 'running', `signal ${signal}`);
    assert.equal(scene.delivered.length, deliveries);
  }
});

test('a container that outlives its stop timeout by two seconds is put back to what it is', async () => {
  const scene = await stage({ prepare: (engine) => void engine.put('one', { stopTimeoutS: 10 }) });
  scene.engine.send('kill', 'one', { signal: '15' });
  await scene.clock.advance(11_000);
  assert.equal(scene.status(), 'stopping');
  await scene.clock.advance(1000);
  assert.equal(scene.status(), 'running');
});

test('an inspect does not undo a stop signal before its time is over', async () => {
  const scene = await stage({ prepare: one });
  scene.engine.send('kill', 'one', { signal: '15' });
  scene.engine.change('one', { name: 'renamed' });
  scene.engine.send('rename', 'one');
  await settle();
  assert.equal(scene.status(), 'stopping');
  await scene.clock.advance(12_000);
  assert.equal(scene.status(), 'running');
});

test('a second stop signal has a time of its own', async () => {
  const scene = await stage({ prepare: one });
  scene.engine.send('kill', 'one', { signal: '15' });
  scene.engine.failure = new TidegateError('engine.timeout', 'it hangs');
  await scene.clock.advance(12_500);
  scene.engine.send('kill', 'one', { signal: '15' });
  scene.engine.failure = null;
  await scene.clock.advance(11_000);
  assert.equal(scene.status(), 'stopping');
  await scene.clock.advance(1000);
  assert.equal(scene.status(), 'running');
});

test('a container that ended in time is not looked at again for its stop signal', async () => {
  const scene = await stage({ prepare: one });
  scene.engine.send('kill', 'one', { signal: '15' });
  scene.engine.change('one', { status: 'exited' });
  scene.engine.send('die', 'one');
  await settle();
  scene.engine.inspected.length = 0;
  await scene.clock.advance(30_000);
  assert.deepEqual(scene.engine.inspected, []);
});

test('a container whose end and new start were missed is no longer stopping', async () => {
  const scene = await stage({ prepare: one });
  scene.engine.send('kill', 'one', { signal: '15' });
  scene.engine.change('one', { startedAt: '2026-01-02T00:00:00Z' });
  scene.engine.connect();
  await settle();
  assert.equal(scene.status(), 'running');
});

test('while the Engine does not answer, a container that was told to stop stays out', async () => {
  const scene = await stage({ prepare: one });
  scene.engine.send('kill', 'one', { signal: '15' });
  scene.engine.failure = new TidegateError('engine.timeout', 'it hangs');
  await scene.clock.advance(60_000);
  assert.equal(scene.status(), 'stopping');
  scene.engine.failure = null;
  await scene.clock.advance(60_000);
  assert.equal(scene.status(), 'running');
});

test('a container that was stopped and started again serves again', async () => {
  const scene = await stage({ prepare: one });
  scene.engine.send('kill', 'one', { signal: '15' });
  scene.engine.change('one', { startedAt: '2026-01-02T00:00:00Z' });
  scene.engine.send('die', 'one', { exitCode: '0' });
  scene.engine.send('start', 'one');
  await settle();
  assert.equal(scene.status(), 'running');
});

test('die ends a container at once and says with which code', async () => {
  const scene = await stage({ prepare: one });
  scene.engine.holdsInspects = true;
  scene.engine.send('die', 'one', { exitCode: '137' });
  const replica = scene.replica();
  assert.equal(replica?.status, 'exited');
  assert.equal(replica.exitCode, 137);
  assert.equal(replica.pid, 0);
  assert.deepEqual(replica.endpoints, []);
  assert.deepEqual(scene.causes('container.died'), ['it ended with exit code 137']);
  assert.deepEqual(scene.routes(), ['shop.localhost/'], 'its routes stay');
});

test('stop without die ends it too', async () => {
  const scene = await stage({ prepare: one });
  scene.engine.holdsInspects = true;
  scene.engine.send('stop', 'one');
  assert.equal(scene.status(), 'exited');
});

test('pause and unpause change the status at once and keep the address', async () => {
  const scene = await stage({ prepare: one });
  const endpoints = scene.replica()?.endpoints;
  scene.engine.holdsInspects = true;
  scene.engine.send('pause', 'one');
  assert.equal(scene.status(), 'paused');
  assert.deepEqual(scene.replica()?.endpoints, endpoints);
  scene.engine.send('unpause', 'one');
  assert.equal(scene.status(), 'running');
  assert.deepEqual(scene.replica()?.endpoints, endpoints);
});

test('a container that the Engine restarts by itself is seen as restarting, then as running', async () => {
  const scene = await stage({ prepare: one });
  scene.engine.change('one', { status: 'restarting' });
  scene.engine.send('die', 'one', { exitCode: '1' });
  await settle();
  assert.equal(scene.status(), 'restarting');
  scene.engine.change('one', { status: 'running', startedAt: '2026-01-02T00:00:00Z' });
  scene.engine.send('start', 'one');
  await settle();
  assert.equal(scene.status(), 'running');
  assert.equal(scene.causes('container.started').length, 1);
});

test('a created container has its routes before it ever ran', async () => {
  const scene = await stage();
  scene.engine.put('one', { status: 'created', startedAt: null, pid: 0, networks: [] });
  scene.engine.send('create', 'one');
  await settle();
  assert.deepEqual(scene.routes(), ['shop.localhost/']);
  assert.equal(scene.status(), 'created');
});

test('a started container can be dialled where it got its address', async () => {
  const scene = await stage({
    prepare: (engine) => void engine.put('one', { status: 'exited', pid: 0, networks: [{ name: 'bridge', ip: '' }] }),
  });
  scene.engine.change('one', { status: 'running', networks: [{ name: 'bridge', ip: '172.17.0.77' }] });
  scene.engine.send('start', 'one');
  await settle();
  assert.deepEqual(scene.replica()?.endpoints, [{ port: 8080, dialHost: '172.17.0.77', dialPort: 8080 }]);
  assert.deepEqual(scene.causes('container.started'), ['it began to run']);
});

test('network_connect and network_disconnect move the address of what runs', async () => {
  const scene = await stage({ prepare: one });
  scene.engine.change('one', { networks: [{ name: 'back', ip: '10.1.0.2' }] });
  scene.engine.send('network_disconnect', 'one');
  await settle();
  assert.equal(scene.replica()?.endpoints[0]?.dialHost, '10.1.0.2');
  scene.engine.change('one', { networks: [] });
  scene.engine.send('network_disconnect', 'one');
  await settle();
  assert.deepEqual(scene.replica()?.endpoints, []);
  assert.match(scene.replica()?.unroutable ?? '', /it has no address/);
  assert.equal(scene.causes('route.unroutable').length, 1);
});

test('a rename moves a container that is named by its name', async () => {
  const scene = await stage({
    prepare: (engine) => void engine.put('one', { name: 'blue', labels: { 'tidegate.enable': 'true' } }),
  });
  assert.deepEqual(scene.routes('default/blue/web'), ['blue.localhost/']);
  scene.engine.change('one', { name: 'green' });
  scene.engine.send('rename', 'one');
  await settle();
  assert.deepEqual(scene.routes('default/green/web'), ['green.localhost/']);
  assert.equal(scene.status('one', 'default/blue/web'), undefined);
});

test('a rename to what makes no name keeps the app it had', async () => {
  const scene = await stage({
    prepare: (engine) => void engine.put('one', { name: 'blue', labels: { 'tidegate.enable': 'true' } }),
  });
  scene.engine.change('one', { name: '42' });
  scene.engine.send('rename', 'one');
  await settle();
  assert.equal(scene.status('one', 'default/blue/web'), 'running');
  assert.match(scene.causes('label.rejected')[0] ?? '', /^tidegate\.app is missing: .*container name "42"/);
});

test('health_status and update are looked at', async () => {
  const scene = await stage({ prepare: one });
  for (const action of ['health_status', 'update'] as const) {
    scene.engine.inspected.length = 0;
    scene.engine.send(action, 'one');
    await settle();
    assert.deepEqual(scene.engine.inspected, ['one'], action);
  }
});

test('exec_create is nothing to discovery', async () => {
  const scene = await stage({ prepare: one });
  scene.engine.inspected.length = 0;
  scene.engine.send('exec_create', 'one');
  await settle();
  assert.deepEqual(scene.engine.inspected, []);
});

test('running out of memory is reported', async () => {
  const scene = await stage({ prepare: one });
  scene.engine.send('oom', 'one');
  const [event] = scene.events.filter((draft) => draft.type === 'container.oom');
  assert.equal(event?.replica, 'local/one');
  assert.equal(event.app, 'shop');
});

test('destroy takes a container out at once, and a late inspect does not bring it back', async () => {
  const scene = await stage({ prepare: (engine) => void [engine.put('one'), engine.put('two')] });
  scene.engine.holdsInspects = true;
  scene.engine.send('rename', 'one');
  await settle();
  scene.engine.send('destroy', 'one');
  assert.equal(scene.status('one'), undefined);
  assert.equal(scene.status('two'), 'running');
  scene.engine.release();
  await settle();
  assert.equal(scene.status('one'), undefined);
  assert.deepEqual(scene.causes('container.destroyed'), ['it was removed']);
});

test('containers without labels of ours cost nothing', async () => {
  const scene = await stage({ prepare: (engine) => void engine.put('alien', { labels: { 'com.example': 'x' } }) });
  for (const action of ['create', 'start', 'kill', 'die', 'network_connect', 'destroy'] as const) {
    scene.engine.send(action, 'alien');
  }
  await settle();
  assert.deepEqual(scene.engine.inspected, []);
  assert.equal(scene.sets.size, 0);
});

test('a container that is none of ours stays so when somebody asks for a look at it', async () => {
  const scene = await stage({ prepare: (engine) => void engine.put('alien', { labels: {} }) });
  await scene.discovery.refresh('local', 'alien');
  scene.engine.send('start', 'alien');
  await settle();
  assert.deepEqual(scene.engine.inspected, ['alien']);
});

test('the owner of a network is followed no longer than its network is borrowed', async () => {
  const scene = await stage({
    prepare(engine) {
      engine.put('vpn', { labels: {} });
      engine.put('one', { networkMode: 'container:vpn', networks: [] });
    },
  });
  scene.engine.containers.delete('one');
  scene.engine.send('destroy', 'one');
  scene.engine.inspected.length = 0;
  scene.engine.send('start', 'vpn');
  await settle();
  assert.deepEqual(scene.engine.inspected, []);
});

test('a container that borrows a network follows its owner, who is none of ours', async () => {
  const scene = await stage({
    prepare(engine) {
      engine.put('vpn', { labels: {}, networks: [{ name: 'bridge', ip: '172.17.0.5' }] });
      engine.put('one', { networkMode: 'container:vpn', networks: [] });
    },
  });
  assert.equal(scene.replica()?.endpoints[0]?.dialHost, '172.17.0.5');
  scene.engine.send('die', 'vpn');
  assert.deepEqual(scene.replica()?.endpoints, []);
  scene.engine.change('vpn', { networks: [{ name: 'bridge', ip: '172.17.0.6' }] });
  scene.engine.send('start', 'vpn');
  await settle();
  assert.equal(scene.replica()?.endpoints[0]?.dialHost, '172.17.0.6');
  scene.engine.containers.delete('vpn');
  scene.engine.send('destroy', 'vpn');
  await settle();
  assert.match(scene.replica()?.unroutable ?? '', /container vpn, which is not there/);
});
