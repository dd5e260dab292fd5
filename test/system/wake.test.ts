/** Waking and sleeping on a real Engine: what a visitor, and the Engine's own log, see of it. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { engineEvents } from '#test/support/engine-events';
import { runHello } from '#test/support/hello';
import { SteadyLoad } from '#test/support/steady-load';
import { ask, startTidegate, type TidegateProcess } from '#test/support/tidegate';
import { until } from '#test/support/until';

let engine: TestEngine;
let tidegate: TidegateProcess | null = null;

before(async () => {
  engine = await startTestEngine();
  await engine.images.hello();
});
after(() => engine.close());
afterEach(async () => {
  await tidegate?.close();
  tidegate = null;
  await engine.reset();
});

async function stateOf(app: string): Promise<string> {
  const set = await tidegate?.adminJson<{ state: string }>(`/v1/apps/${app}/sets/web`);
  return set?.state ?? '';
}

test('the first request wakes a set from zero and says how long that took', async () => {
  await runHello(engine, { name: 'shop', start: false, labels: { 'tidegate.app': 'shop', 'tidegate.scale.min': '0' } });
  tidegate = await startTidegate({ docker: engine.socket });
  assert.equal(await stateOf('shop'), 'zero');
  const answer = await tidegate.ask('shop.localhost');
  assert.equal(answer.status, 200);
  assert.match(String(answer.headers['server-timing']), /^wake;dur=\d+/);
  const second = await tidegate.ask('shop.localhost');
  assert.equal(second.headers['server-timing'], undefined);
});

test('500 requests at once on a stopped set that takes 3 s to listen are all answered, by one start', async () => {
  const hello = await runHello(engine, {
    name: 'slow',
    start: false,
    labels: { 'tidegate.app': 'slow', 'tidegate.scale.min': '0' },
    env: { START_DELAY_MS: '3000' },
  });
  tidegate = await startTidegate({ docker: engine.socket });
  const { port } = tidegate;
  const since = Date.now() - 1000;
  const answers = await Promise.all(
    Array.from({ length: 500 }, () => ask(port, { headers: { host: 'slow.localhost' } })),
  );
  assert.deepEqual(
    answers.filter((answer) => answer.status !== 200).map((answer) => answer.body),
    [],
  );
  const starts = await engineEvents(engine, { container: hello.id, action: 'start', sinceMs: since });
  assert.equal(starts.length, 1);
});

test('an idle set is frozen behind the Engine, thawed by a request, and stopped when it stays idle', async () => {
  const hello = await runHello(engine, {
    name: 'nap',
    labels: {
      'tidegate.app': 'nap',
      'tidegate.scale.min': '0',
      'tidegate.scale.pause': '500ms',
      'tidegate.scale.stop': '4s',
    },
  });
  tidegate = await startTidegate({ docker: engine.socket });
  await until(async () => (await stateOf('nap')) === 'frozen', { what: 'the set is frozen' });
  const seen = await hello.container.inspect();
  assert.equal(seen.State.Paused, false, 'the Engine takes no part in it');
  const answer = await tidegate.ask('nap.localhost');
  assert.equal(answer.status, 200);
  assert.match(String(answer.headers['server-timing']), /^wake;dur=/);
  await until(async () => (await stateOf('nap')) === 'zero', { what: 'the set is stopped' });
  await until(async () => !(await hello.container.inspect()).State.Running, { what: 'the Engine says so too' });
  assert.equal((await tidegate.ask('nap.localhost')).status, 200);
});

test('a container with a HEALTHCHECK is frozen by the Engine itself', async () => {
  const hello = await runHello(engine, {
    name: 'checked',
    labels: { 'tidegate.app': 'checked', 'tidegate.scale.min': '0', 'tidegate.scale.pause': '500ms' },
    create: { Healthcheck: { Test: ['CMD', '/usr/local/bin/node', '-e', '0'], Interval: 3_600_000_000_000 } },
  });
  tidegate = await startTidegate({ docker: engine.socket });
  await until(async () => (await hello.container.inspect()).State.Paused, { what: 'the Engine says paused' });
  assert.equal((await tidegate.ask('checked.localhost')).status, 200);
  assert.equal((await hello.container.inspect()).State.Paused, false);
});

test('an open stream keeps its set awake, and its end lets it sleep', async () => {
  await runHello(engine, {
    name: 'stream',
    labels: { 'tidegate.app': 'stream', 'tidegate.scale.min': '0', 'tidegate.scale.pause': '300ms' },
  });
  tidegate = await startTidegate({ docker: engine.socket });
  const clock = tidegate.ask('stream.localhost', { path: '/clock?every=100&count=25' });
  const states = new Set<string>();
  let open = true;
  void clock.finally(() => {
    open = false;
  });
  await until(async () => {
    const state = await stateOf('stream');
    // It may have slept already when the stream was asked for.
    if (open && (states.size > 0 || state === 'up')) states.add(state);
    return !open;
  });
  assert.ok(states.size > 0, 'it was never up');
  assert.ok(!states.has('frozen'), 'it was frozen under an open stream');
  assert.equal((await clock).body.split('\n').filter((line) => line.startsWith('data:')).length, 25);
  await until(async () => (await stateOf('stream')) === 'frozen', { what: 'the set sleeps after the stream' });
});

test('a replica that says it works on is not frozen before that is over, over a restart of Tidegate as well', async () => {
  await runHello(engine, {
    name: 'work',
    labels: { 'tidegate.app': 'work', 'tidegate.scale.min': '0', 'tidegate.scale.pause': '100ms' },
  });
  tidegate = await startTidegate({ docker: engine.socket });
  const askedAt = Date.now();
  const answer = await tidegate.ask('work.localhost', { path: '/work?ms=1&lease=6s' });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['tidegate-lease'], undefined);
  let looks = 0;
  await until(
    async () => {
      assert.equal(await stateOf('work'), 'up', 'it was put to sleep at work');
      return looks++ > 0 && Date.now() - askedAt > 1000;
    },
    { what: 'it has been idle for long' },
  );
  await tidegate.stop();
  await tidegate.start();
  await until(async () => (await stateOf('work')) === 'frozen', { what: 'it sleeps after its work' });
  assert.ok(Date.now() - askedAt >= 6000, 'it was frozen before its lease had ended');
});

for (const [tier, labels] of [
  ['stopped', { 'tidegate.scale.stop': '40ms' }],
  ['frozen', { 'tidegate.scale.pause': '40ms', 'tidegate.scale.stop': '1h' }],
] as const) {
  test(`1,000 requests while the set is ${tier} and woken at least ten times are all answered`, async () => {
    const hello = await runHello(engine, {
      name: 'cycle',
      labels: { 'tidegate.app': 'cycle', 'tidegate.scale.min': '0', ...labels },
    });
    tidegate = await startTidegate({ docker: engine.socket });
    const { port } = tidegate;
    const since = Date.now();
    const sleeps = async (): Promise<number> => {
      const events = await tidegate?.adminJson<{ items: unknown[] }>(`/v1/events?type=set.${tier}&limit=500`);
      return events?.items.length ?? 0;
    };
    let sent = 0;
    const outcomes: Record<string, number> = {};
    // Bursts at 100 a second: after every other one the set has time to sleep, the others begin just as it goes to sleep.
    for (let burst = 0; burst < 25; burst++) {
      const before = await sleeps();
      const load = new SteadyLoad({ port, hostname: 'cycle.localhost', perSecond: 100, total: 40 });
      const result = await load.done;
      sent += result.sent;
      for (const [outcome, count] of Object.entries(result.outcomes)) {
        outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
      }
      if (burst % 2 === 0) await until(async () => (await sleeps()) > before, { what: 'it sleeps', timeoutMs: 60_000 });
      else await new Promise((resolve) => setTimeout(resolve, 30 + burst));
    }
    assert.deepEqual(outcomes, { '200': sent });
    assert.equal(sent, 1000);
    assert.ok((await sleeps()) >= 10);
    if (tier === 'stopped') {
      const starts = await engineEvents(engine, { container: hello.id, action: 'start', sinceMs: since });
      assert.ok(starts.length >= 10, `only ${starts.length} starts`);
    }
  });
}

test('a set that depends on another is woken after it and put to sleep before it', async () => {
  await runHello(engine, {
    name: 'db',
    start: false,
    labels: { 'tidegate.app': 'pair', 'tidegate.set': 'db', 'tidegate.scale.min': '0', 'tidegate.scale.stop': '500ms' },
    env: { START_DELAY_MS: '700' },
  });
  await runHello(engine, {
    name: 'web',
    start: false,
    labels: {
      'tidegate.app': 'pair',
      'tidegate.set': 'web',
      'tidegate.depends': 'db',
      'tidegate.scale.min': '0',
      'tidegate.scale.stop': '500ms',
    },
  });
  tidegate = await startTidegate({ docker: engine.socket });
  assert.equal((await tidegate.ask('pair.localhost')).status, 200);
  const running = async (name: string): Promise<boolean> =>
    (await engine.docker.getContainer(name).inspect()).State.Running;
  const web = await engine.docker.getContainer('web').inspect();
  const db = await engine.docker.getContainer('db').inspect();
  assert.ok(db.State.StartedAt < web.State.StartedAt, 'the dependency started first');
  await until(async () => !(await running('web')), { what: 'web sleeps' });
  await until(async () => !(await running('db')), { what: 'db sleeps after it' });
  const finished = async (name: string): Promise<string> =>
    (await engine.docker.getContainer(name).inspect()).State.FinishedAt;
  assert.ok((await finished('web')) < (await finished('db')), 'the dependency stopped last');
});

test('a container that cannot start is given up after a few tries, with Retry-After, and tried again later', async () => {
  await runHello(engine, {
    name: 'broken',
    start: false,
    labels: { 'tidegate.app': 'broken', 'tidegate.scale.min': '0' },
    create: { Cmd: ['/usr/local/bin/node', '-e', 'process.exit(3)'] },
  });
  tidegate = await startTidegate({ docker: engine.socket });
  const answer = await tidegate.ask('broken.localhost');
  assert.equal(answer.status, 503);
  assert.equal(answer.headers['x-tidegate-error'], 'no_replicas');
  assert.ok(Number(answer.headers['retry-after']) >= 1);
  assert.equal(await stateOf('broken'), 'wake-failed');
});

test('with min of 1 a stop by a person is respected and answered 503 until he starts it again', async () => {
  const hello = await runHello(engine, { name: 'kept', labels: { 'tidegate.app': 'kept' } });
  tidegate = await startTidegate({ docker: engine.socket });
  await until(async () => (await tidegate?.ask('kept.localhost'))?.status === 200);
  await hello.container.stop();
  const answer = await until(async () => {
    const one = await tidegate?.ask('kept.localhost');
    return one?.status === 503 ? one : null;
  });
  assert.equal(answer.headers['x-tidegate-error'], 'stopped');
  assert.equal((await hello.container.inspect()).State.Running, false);
  await hello.container.start();
  await until(async () => (await tidegate?.ask('kept.localhost'))?.status === 200);
});
