/** How containers make up a set, and how long its routes outlive the last of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LINGER_MS } from '#discovery/set-ledger';
import { settle } from '../support/fake-clock.ts';
import { SHOP, stage } from './scene.ts';

const APP = { 'tidegate.app': 'shop' };

test('containers equal in tenant, app and set are replicas of one set, oldest first', async () => {
  const scene = await stage({
    prepare(engine) {
      engine.put('young', { createdAt: 3000 });
      engine.put('old', { createdAt: 1000 });
      engine.put('other', { createdAt: 2000, labels: { ...APP, 'tidegate.tenant': 'acme' } });
    },
  });
  assert.deepEqual(
    scene.sets.get(SHOP)?.replicas.map((one) => one.containerId),
    ['old', 'young'],
  );
  assert.equal(scene.sets.get('acme/shop/web')?.replicas.length, 1);
});

test('one set may have replicas on several hosts', async () => {
  const scene = await stage({
    hosts: ['a', 'b'],
    prepare: (_, engines) => void engines.map((engine) => engine.put('one')),
  });
  assert.deepEqual(
    scene.sets.get(SHOP)?.replicas.map((one) => one.id),
    ['a/one', 'b/one'],
  );
});

test('at the first listing the set with the oldest container is delivered first, however the Engine lists them', async () => {
  const ages = { c: 3000, a: 1000, d: 4000, b: 2000 };
  const scene = await stage({
    prepare(engine) {
      for (const [app, createdAt] of Object.entries(ages))
        engine.put(app, { createdAt, labels: { 'tidegate.app': app } });
    },
  });
  assert.deepEqual(
    scene.delivered.map((one) => one.app),
    ['a', 'b', 'c', 'd'],
  );
});

test('policy and routes are those of the newest container', async () => {
  const scene = await stage({
    prepare(engine) {
      engine.put('old', { createdAt: 1000, labels: { ...APP, 'tidegate.retry': '1', 'tidegate.route.a.path': '/a' } });
      engine.put('new', { createdAt: 2000, labels: { ...APP, 'tidegate.retry': '5', 'tidegate.route.b.path': '/b' } });
    },
  });
  assert.equal(scene.sets.get(SHOP)?.policy.retry, 5);
  assert.deepEqual(scene.routes(), ['shop.localhost/', 'shop.localhost/b']);
});

test('a clone never speaks for its set while a container of its operator is there', async () => {
  const scene = await stage({
    prepare(engine) {
      engine.put('made', { createdAt: 1000, labels: { ...APP, 'tidegate.retry': '1' } });
      const labels = { ...APP, 'tidegate.retry': '5', 'tidegate.clone.of': 'abcdef012345' };
      engine.put('clone', { createdAt: 2000, labels });
    },
  });
  assert.equal(scene.sets.get(SHOP)?.policy.retry, 1);
  assert.equal(scene.replica('clone')?.cloneOf, 'abcdef012345');
});

test('a bad policy label leaves the policy as it was and the new container serves', async () => {
  const scene = await stage({
    prepare: (engine) => void engine.put('one', { labels: { ...APP, 'tidegate.retry': '1' } }),
  });
  scene.engine.put('two', { createdAt: 5000, labels: { ...APP, 'tidegate.retry': 'often' } });
  scene.engine.send('start', 'two');
  await settle();
  assert.equal(scene.sets.get(SHOP)?.policy.retry, 1);
  assert.equal(scene.replica('two')?.endpoints.length, 1);
  assert.deepEqual(scene.causes('label.rejected'), ['tidegate.retry="often": expected a whole number from 0 to 10']);
});

test('the last good policy stays when the container that had it is replaced by one with a bad label', async () => {
  const scene = await stage({
    prepare: (engine) => void engine.put('one', { labels: { ...APP, 'tidegate.retry': '1' } }),
  });
  scene.engine.containers.delete('one');
  scene.engine.send('destroy', 'one');
  scene.engine.put('two', { createdAt: 5000, labels: { ...APP, 'tidegate.retry': 'often' } });
  scene.engine.send('start', 'two');
  await scene.clock.advance(10 * LINGER_MS);
  assert.equal(scene.sets.get(SHOP)?.policy.retry, 1);
  assert.deepEqual(
    scene.sets.get(SHOP)?.replicas.map((one) => one.containerId),
    ['two'],
  );
});

test('a bad policy label on a set that was never good gives no set, only the event', async () => {
  const scene = await stage({
    prepare: (engine) => void engine.put('one', { labels: { ...APP, 'tidegate.lb': 'x' } }),
  });
  assert.equal(scene.sets.size, 0);
  assert.equal(scene.causes('label.rejected').length, 1);
});

test('a bad label of the container as a replica keeps it out and its policy unheard', async () => {
  const scene = await stage({
    prepare: (engine) => void engine.put('one', { labels: { ...APP, 'tidegate.retry': '1' } }),
  });
  const labels = { ...APP, 'tidegate.retry': '5', 'tidegate.proto': 'gopher' };
  scene.engine.put('two', { createdAt: 5000, labels });
  scene.engine.send('start', 'two');
  await settle();
  assert.equal(scene.sets.get(SHOP)?.policy.retry, 1);
  assert.deepEqual(scene.replica('two')?.endpoints, []);
  assert.match(scene.replica('two')?.unroutable ?? '', /^tidegate\.proto="gopher"/);
  assert.equal(scene.replica('one')?.endpoints.length, 1);
});

test('a bad label of one route keeps its last good form and leaves the others alone', async () => {
  const good = { ...APP, 'tidegate.route.api.path': '/api', 'tidegate.route.admin.path': '/admin' };
  const scene = await stage({ prepare: (engine) => void engine.put('one', { labels: good }) });
  scene.engine.containers.delete('one');
  scene.engine.send('destroy', 'one');
  const bad = { ...APP, 'tidegate.route.api.path': 'api', 'tidegate.route.admin.path': '/manage' };
  scene.engine.put('two', { createdAt: 5000, labels: bad });
  scene.engine.send('start', 'two');
  await settle();
  assert.deepEqual(scene.routes(), ['shop.localhost/', 'shop.localhost/manage', 'shop.localhost/api']);
});

test('a route that was never good is not there, and the others are', async () => {
  const labels = { ...APP, 'tidegate.route.api.path': 'api', 'tidegate.route.admin.path': '/admin' };
  const scene = await stage({ prepare: (engine) => void engine.put('one', { labels }) });
  assert.deepEqual(scene.routes(), ['shop.localhost/', 'shop.localhost/admin']);
});

test('a route whose good form is still on an older container has that form', async () => {
  const scene = await stage({
    prepare(engine) {
      engine.put('old', { createdAt: 1000, labels: { ...APP, 'tidegate.host': 'a.example.com' } });
      engine.put('new', { createdAt: 2000, labels: { ...APP, 'tidegate.host': 'a example' } });
    },
  });
  assert.deepEqual(scene.routes(), ['a.example.com/']);
});

test('a replica without a main port gets nothing of routes that go to the main port', async () => {
  const scene = await stage({ prepare: (engine) => void engine.put('one') });
  const labels = { ...APP, 'tidegate.route.x.host': 'x.example.com', 'tidegate.route.x.port': '9000' };
  scene.engine.put('two', { createdAt: 5000, exposedPorts: [80, 443], labels });
  scene.engine.send('start', 'two');
  await settle();
  assert.deepEqual(scene.routes(), ['shop.localhost/', 'x.example.com/']);
  assert.deepEqual(scene.replica('two')?.endpoints, []);
  assert.equal(scene.replica('two')?.unroutable, 'its main port is not known');
});

test('a set lingers without replicas and is removed when nothing succeeds it', async () => {
  const scene = await stage({ prepare: (engine) => void engine.put('one') });
  scene.engine.containers.delete('one');
  scene.engine.send('destroy', 'one');
  assert.deepEqual(scene.sets.get(SHOP)?.replicas, []);
  assert.deepEqual(scene.routes(), ['shop.localhost/']);
  await scene.clock.advance(LINGER_MS - 1);
  assert.ok(scene.sets.has(SHOP));
  await scene.clock.advance(1);
  assert.ok(!scene.sets.has(SHOP));
  assert.equal(scene.discovery.set(SHOP), null);
  assert.deepEqual(scene.causes('set.removed'), ['its last container is gone']);
});

test('a container that is recreated in time finds its set', async () => {
  const scene = await stage({ prepare: (engine) => void engine.put('one') });
  scene.engine.containers.delete('one');
  scene.engine.send('destroy', 'one');
  await scene.clock.advance(LINGER_MS - 1);
  scene.engine.put('two');
  scene.engine.send('create', 'two');
  await scene.clock.advance(LINGER_MS * 5);
  assert.equal(scene.status('two'), 'running');
  assert.equal(scene.causes('set.discovered').length, 1);
  assert.deepEqual(scene.causes('set.removed'), []);
});

test('a set is found anew after it was removed', async () => {
  const scene = await stage({ prepare: (engine) => void engine.put('one') });
  scene.engine.containers.delete('one');
  scene.engine.send('destroy', 'one');
  await scene.clock.advance(LINGER_MS);
  scene.engine.put('two');
  scene.engine.send('create', 'two');
  await settle();
  assert.equal(scene.causes('set.discovered').length, 2);
});

test('what does not change is not delivered again', async () => {
  const scene = await stage({ prepare: (engine) => void engine.put('one') });
  const deliveries = scene.delivered.length;
  scene.engine.send('update', 'one');
  await scene.clock.advance(600_000);
  assert.equal(scene.delivered.length, deliveries);
});

test('a fault is reported once, not at every look', async () => {
  const labels = { ...APP, 'tidegate.lb': 'x', 'tidegate.hots': 'x' };
  const scene = await stage({ prepare: (engine) => void engine.put('one', { labels }) });
  scene.engine.send('update', 'one');
  scene.engine.send('die', 'one');
  await settle();
  assert.equal(scene.causes('label.rejected').length, 1);
  assert.deepEqual(scene.causes('label.unknown'), ['tidegate.hots is not a label; did you mean tidegate.host?']);
});

test('one bad container harms neither its neighbours nor their order', async () => {
  const scene = await stage({
    prepare(engine) {
      engine.put('bad', { createdAt: 1, labels: { 'tidegate.app': 'No Name', 'tidegate.port': 'x' } });
      engine.put('good', { createdAt: 2 });
    },
  });
  assert.deepEqual([...scene.sets.keys()], [SHOP]);
  const report = [...scene.discovery.containers()].find((one) => one.containerId === 'bad');
  assert.equal(report?.set, null);
  assert.match(report.rejections[0]?.message ?? '', /did you mean "no-name"\?$/);
});

test('reports tell why a container is left out', async () => {
  const scene = await stage({ prepare: (engine) => void engine.put('one', { labels: { 'tidegate.ap': 'shop' } }) });
  const [report] = scene.discovery.containers();
  assert.equal(report?.ignored, 'it has neither tidegate.enable nor tidegate.app nor a host');
  assert.equal(report.unknown[0]?.nearest, 'tidegate.app');
});

test('two running containers of class data are reported once, until one of them has stopped', async () => {
  const labels = { 'tidegate.app': 'shop', 'tidegate.class': 'data' };
  const scene = await stage({ prepare: (engine) => void engine.put('one', { name: 'db-1', labels, createdAt: 1 }) });
  assert.deepEqual(scene.causes('set.crowded'), []);
  scene.engine.put('two', { name: 'db-2', labels, createdAt: 2 });
  scene.engine.send('start', 'two');
  await settle();
  const told = ['db-1 and db-2 run at the same time; class data is one replica'];
  assert.deepEqual(scene.causes('set.crowded'), told);
  scene.engine.change('two', { name: 'db-two' });
  scene.engine.send('rename', 'two');
  await settle();
  assert.deepEqual(scene.causes('set.crowded'), told);
  scene.engine.change('two', { status: 'exited' });
  scene.engine.send('die', 'two');
  await settle();
  scene.engine.change('two', { status: 'running' });
  scene.engine.send('start', 'two');
  await settle();
  assert.equal(scene.causes('set.crowded').length, 2);
});
