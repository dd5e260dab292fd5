/** Sets that are made and moved through the admin API, on a real Engine: what visitors see meanwhile, and what is left. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { deployHello, endOf, putHello } from '#test/support/deployed-app';
import { startTestEngine, type TestEngine } from '#test/support/engine';
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
      { name: 'main', image, options: { entrypoint: ['/bin/sh', '-c', 'echo out of luck; exit 3'], env: { X: '1' } } },
    ],
  };
  const { operation } = await putHello(tidegate, { image, more });
  const end = await endOf(tidegate, operation);
  const outcome = await load.stop();
  assert.equal(end.state, 'failed');
  assert.equal(end.error?.code, 'replica.crashed', JSON.stringify(end));
  const evidence = JSON.stringify(end.error?.data);
  assert.match(evidence, /"exit_code":3/);
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
