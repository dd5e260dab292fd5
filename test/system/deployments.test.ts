/** Sets that are made and moved through the admin API, on a real Engine: what visitors see meanwhile, and what is left. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { deployHello, endOf, putHello } from '#test/support/deployed-app';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { runHello } from '#test/support/hello';
import { SteadyLoad } from '#test/support/steady-load';
import { startTidegate, type TidegateProcess } from '#test/support/tidegate';
import { until } from '#test/support/until';

let engine: TestEngine;
let tidegate: TidegateProcess;
let image: string;

before(async () => {
  engine = await startTestEngine();
  image = await engine.images.hello();
});
after(() => engine.close());
afterEach(async () => {
  await tidegate.close();
  await engine.reset();
});

interface ContainerSeen {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly State: string;
  readonly Labels: Readonly<Record<string, string>>;
}

async function containers(): Promise<readonly ContainerSeen[]> {
  const all = (await engine.docker.listContainers({ all: true })) as unknown as ContainerSeen[];
  return all.filter((one) => one.Labels['tidegate.replica'] !== undefined);
}

async function members(revision: string): Promise<readonly ContainerSeen[]> {
  return (await containers()).filter(
    (one) => one.Labels['tidegate.role'] === 'member' && one.Labels['tidegate.revision'] === revision,
  );
}

test('a set of two containers is made, answers, changes by each strategy without a failed request, and goes without a trace', async () => {
  tidegate = await startTidegate({ docker: engine.socket });
  const more = {
    containers: [
      { index: 1, name: 'main', image, options: { cpu: 80, mem: 75, env: { REVISION: '1' } } },
      { index: 2, name: 'agent', image, options: { cpu: 20, mem: 25, env: { PORT: '9090' } } },
    ],
    resources: { cpu: 1, memory: '256Mi' },
    scale: { min: 2, max: 3 },
  };
  await deployHello(tidegate, { image, more });
  assert.equal((await tidegate.ask('shop.localhost')).status, 200);
  await until(async () => (await members('r1')).filter((one) => one.State === 'running').length === 4, {
    what: 'two replicas of two members',
  });

  for (const [i, strategy] of ['rolling', 'bluegreen', 'canary'].entries()) {
    const load = new SteadyLoad({ port: tidegate.port, hostname: 'shop.localhost', perSecond: 100 });
    const [main, agent] = more.containers;
    const containersNow = [{ ...main, options: { ...main?.options, env: { REVISION: String(i + 2) } } }, agent];
    const accepted = await tidegate.adminJson<{ id: string }>('/v1/apps/shop/deployments', {
      method: 'POST',
      body: JSON.stringify({
        sets: ['web'],
        containers: containersNow,
        strategy,
        ...(strategy === 'canary' ? { steps: [{ weight: 20, hold: '1s' }] } : {}),
      }),
    });
    const end = await endOf(tidegate, accepted.id);
    const outcome = await load.stop();
    assert.equal(end.state, 'succeeded', `${strategy}: ${JSON.stringify(end)}`);
    assert.equal(outcome.failed, 0, `${strategy}: ${JSON.stringify(outcome)}`);
    assert.equal((await members(`r${i + 1}`)).length, 0, `${strategy}: the old ones are gone`);
  }

  const removed = await tidegate.adminJson<{ id: string }>('/v1/apps/shop', { method: 'DELETE' });
  assert.equal((await endOf(tidegate, removed.id)).state, 'succeeded');
  assert.deepEqual(await containers(), []);
  const networks = await engine.docker.listNetworks();
  assert.deepEqual(
    networks.filter(({ Name }) => Name.startsWith('tidegate-')).map(({ Name }) => Name),
    [],
  );
  assert.equal((await tidegate.ask('shop.localhost')).status, 404);
});

test('a revision that crashes never takes traffic, and its deployment says what it died of', async () => {
  tidegate = await startTidegate({ docker: engine.socket });
  await deployHello(tidegate, { image });
  const load = new SteadyLoad({ port: tidegate.port, hostname: 'shop.localhost', perSecond: 50 });
  const more = {
    containers: [
      { name: 'main', image, options: { command: ['node', '-e', 'console.log("out of luck"); process.exit(3)'] } },
    ],
  };
  const { operation } = await putHello(tidegate, { image, more });
  const end = await endOf(tidegate, operation);
  const outcome = await load.stop();
  assert.equal(end.state, 'failed');
  assert.equal(end.error?.code, 'replica.crashed', JSON.stringify(end));
  const evidence = JSON.stringify(end.error?.data);
  assert.match(evidence, /"exit_code":3/);
  assert.match(evidence, /out of luck/);
  assert.equal(outcome.failed, 0, JSON.stringify(outcome));
  await until(async () => (await members('r2')).length === 0, { what: 'the crashed ones are gone' });
});

test('a set may sleep at zero, and its first request wakes it', async () => {
  tidegate = await startTidegate({ docker: engine.socket });
  await deployHello(tidegate, { image, more: { scale: { min: 0, stop: '1s' } } });
  const stateOf = async (): Promise<string> =>
    (await tidegate.adminJson<{ state: string }>('/v1/apps/shop/sets/web')).state;
  await until(async () => (await stateOf()) === 'zero', { what: 'it sleeps' });
  const answer = await tidegate.ask('shop.localhost');
  assert.equal(answer.status, 200);
  assert.match(String(answer.headers['server-timing']), /^wake;dur=/);
  // The next revision answers probes elsewhere than the one that runs; and it proves itself though the set would sleep.
  const next = { env: { RELEASE: '2' }, more: { scale: { min: 0, stop: '1s' }, health: { path: '/status?code=200' } } };
  const end = await deployHello(tidegate, { image, ...next });
  assert.equal(end?.state, 'succeeded');
  await until(async () => (await stateOf()) === 'zero', { what: 'it sleeps again' });
  assert.equal((await tidegate.ask('shop.localhost')).status, 200);
});

test('what is made lives on over a restart of Tidegate, and over the loss of its containers', async () => {
  tidegate = await startTidegate({ docker: engine.socket });
  await deployHello(tidegate, { image });
  const before = (await containers()).map((one) => one.Id).sort();
  await tidegate.kill9();
  await tidegate.start();
  assert.equal((await tidegate.ask('shop.localhost')).status, 200);
  assert.deepEqual((await containers()).map((one) => one.Id).sort(), before);
  for (const { Id } of await containers()) await engine.docker.getContainer(Id).remove({ force: true });
  await until(async () => (await members('r1')).some((one) => one.State === 'running'), { what: 'it is made again' });
  assert.equal((await tidegate.ask('shop.localhost')).status, 200);
});

test('a member is replaced while the main container, its address and its visitors stay; limits change while it runs', async () => {
  tidegate = await startTidegate({ docker: engine.socket });
  const agent = { index: 2, name: 'agent', image, options: { env: { PORT: '9090' } } };
  const main = { index: 1, name: 'main', image };
  const more = { containers: [main, agent], resources: { cpu: 1, memory: '128Mi' } };
  await deployHello(tidegate, { image, more });
  const look = async (name: string) => {
    const [found] = (await members('r1')).filter(
      (one) => one.Labels['tidegate.member'] === name && one.State === 'running',
    );
    return found === undefined ? null : await engine.docker.getContainer(found.Id).inspect();
  };
  const pauseAddress = async (): Promise<string> => {
    const [pause] = (await containers()).filter((one) => one.Labels['tidegate.role'] === 'pause');
    const seen = await engine.docker.getContainer(pause?.Id ?? '').inspect();
    return Object.values(seen.NetworkSettings.Networks)[0]?.IPAddress ?? '';
  };
  await until(async () => (await look('2.agent')) !== null, { what: 'the agent runs' });
  const before = { main: await look('1.main'), agent: await look('2.agent'), address: await pauseAddress() };

  const nameless = await tidegate.admin('/v1/apps/shop/deployments', {
    method: 'POST',
    body: JSON.stringify({ sets: ['web'], strategy: 'member', members: [2], containers: [{ index: 2, image }] }),
  });
  assert.equal(nameless.status, 422, nameless.body);
  assert.match(nameless.body, /would be called \\"main\\"/);

  const load = new SteadyLoad({ port: tidegate.port, hostname: 'shop.localhost', perSecond: 100 });
  const next = { ...agent, options: { env: { PORT: '9090', RELEASE: '2' } } };
  const accepted = await tidegate.adminJson<{ id: string }>('/v1/apps/shop/deployments', {
    method: 'POST',
    body: JSON.stringify({ sets: ['web'], strategy: 'member', members: [2], containers: [main, next] }),
  });
  const end = await endOf(tidegate, accepted.id);
  assert.equal(end.state, 'succeeded', JSON.stringify(end));
  await until(async () => (await look('2.agent'))?.Config.Env.includes('RELEASE=2'), { what: 'the new agent runs' });

  const resized = await tidegate.adminJson<{ operation: string | null }>('/v1/apps/shop/sets/web/resources', {
    method: 'PATCH',
    body: JSON.stringify({ memory: '256Mi' }),
  });
  assert.equal(resized.operation, null, 'nothing is deployed for it');
  const after = { main: await look('1.main'), address: await pauseAddress() };
  const outcome = await load.stop();
  assert.equal(outcome.failed, 0, JSON.stringify(outcome));
  assert.notEqual((await look('2.agent'))?.Id, before.agent?.Id);
  assert.equal(after.main?.State.StartedAt, before.main?.State.StartedAt);
  assert.equal(after.main?.State.Pid, before.main?.State.Pid);
  assert.equal(after.address, before.address);
  const halved = (bytes: number | undefined): number => (bytes ?? 0) / 1024 ** 2;
  assert.deepEqual([halved(before.main?.HostConfig.Memory), halved(after.main?.HostConfig.Memory)], [64, 128]);

  await engine.docker.getContainer(after.main?.Id ?? '').restart({ t: 1 });
  await until(async () => (await tidegate.ask('shop.localhost')).status === 200, { what: 'it answers again' });
  assert.equal(halved((await look('1.main'))?.HostConfig.Memory), 128, 'kept over a restart of the container');

  await engine.restart();
  await until(async () => (await tidegate.ask('shop.localhost')).status === 200, {
    what: 'it answers after a restart of the Engine',
    timeoutMs: 60_000,
  });
  assert.equal(halved((await look('1.main'))?.HostConfig.Memory), 128, 'kept over a restart of the Engine');
});

test('what a secret holds is in its container, and nowhere else that can be read', async () => {
  tidegate = await startTidegate({ docker: engine.socket });
  const value = 'correct-horse-battery-staple-42';
  await tidegate.adminJson('/v1/apps/shop', { method: 'PUT', body: JSON.stringify({ env: { COLOUR: 'blue' } }) });
  const put = await tidegate.admin('/v1/apps/shop/secrets/DB_PASSWORD', {
    method: 'PUT',
    body: JSON.stringify({ value }),
  });
  assert.equal(put.status, 200, put.body);
  await deployHello(tidegate, { image });
  const [main] = await members('r1');
  const inside = await engine.docker.getContainer(main?.Id ?? '').inspect();
  assert.ok(inside.Config.Env.includes(`DB_PASSWORD=${value}`));
  assert.ok(inside.Config.Env.includes('COLOUR=blue'));
  const paths = ['/v1/apps', '/v1/apps/shop', '/v1/apps/shop/secrets', '/v1/apps/shop/env', '/v1/apps/shop/sets/web'];
  const more = ['/v1/apps/shop/sets/web/spec', '/v1/apps/shop/sets/web/revisions', '/v1/apps/shop/deployments'];
  const rest = ['/v1/operations', '/v1/events', '/v1/audit', '/metrics', '/v1/apps/shop/logs'];
  for (const path of [...paths, ...more, ...rest]) {
    const answer = await tidegate.admin(path);
    assert.ok(answer.status < 300, `${path} answers ${answer.status}`);
    assert.ok(!answer.body.includes(value), `it can be read at ${path}`);
  }
  assert.ok(!tidegate.log.includes(value), 'it can be read in the log');
});

test('a stopped app answers that it is, sleeps, and comes back when it is started', async () => {
  tidegate = await startTidegate({ docker: engine.socket });
  await deployHello(tidegate, { image });
  await tidegate.adminJson('/v1/apps/shop/stop', { method: 'POST' });
  await until(
    async () => {
      const answer = await tidegate.ask('shop.localhost');
      return answer.status === 503 && answer.headers['x-tidegate-error'] === 'stopped';
    },
    { what: 'requests are told so' },
  );
  await until(async () => (await members('r1')).every((one) => one.State !== 'running'), { what: 'nothing runs' });
  await tidegate.adminJson('/v1/apps/shop/start', { method: 'POST' });
  await until(async () => (await tidegate.ask('shop.localhost')).status === 200, { what: 'it answers again' });
});

test('a container that a person labelled is taken over without a failed request, and is left as it is', async () => {
  const mine = await runHello(engine, { name: 'mine', labels: { 'tidegate.app': 'shop' }, env: { RELEASE: 'mine' } });
  tidegate = await startTidegate({ docker: engine.socket });
  const releaseOf = async (): Promise<string> => {
    const answer = await tidegate.ask('shop.localhost');
    return (JSON.parse(answer.body) as { release: string }).release;
  };
  assert.equal(await releaseOf(), 'mine');
  const before = await mine.container.inspect();
  const load = new SteadyLoad({ port: tidegate.port, hostname: 'shop.localhost', perSecond: 50 });
  await deployHello(tidegate, { image, env: { RELEASE: 'ours' } });
  assert.equal(await releaseOf(), 'ours');
  const outcome = await load.stop();
  assert.equal(outcome.failed, 0, JSON.stringify(outcome));
  const after = await mine.container.inspect();
  assert.deepEqual([after.State.Running, after.State.StartedAt], [true, before.State.StartedAt]);
});
