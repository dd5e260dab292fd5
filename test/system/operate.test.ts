/**
 * What people do with an app that runs, through `tide` and a whole Tidegate: read what a replica wrote that is gone, run
 * commands in its containers, wake it for that, and see what it uses.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { deployHello } from '#test/support/deployed-app';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { runTide, type TideRan } from '#test/support/tide';
import { startTidegate, type TidegateProcess } from '#test/support/tidegate';
import { until } from '#test/support/until';

/** What the example writes when it begins, with the port that it was given. */
const OLD = 'listens on 8080';

let engine: TestEngine;
let tidegate: TidegateProcess;
let image: string;

before(async () => {
  engine = await startTestEngine();
  image = await engine.images.hello();
  tidegate = await startTidegate({ docker: engine.socket });
});
after(async () => {
  await tidegate.close();
  await engine.close();
});

function tide(...args: string[]): Promise<TideRan> {
  return runTide(tidegate, args);
}

async function phase(app: string): Promise<string | undefined> {
  const { replicas } = await tidegate.adminJson<{ replicas: { phase: string }[] }>(`/v1/apps/${app}/sets/web`);
  return replicas[0]?.phase;
}

function hello(revision: string, scale: object) {
  const main = { index: 1, name: 'main', image, options: { env: { REVISION: revision } } };
  const agent = { index: 2, name: 'agent', image, options: { env: { PORT: '9090', ROLE: 'agent' } } };
  return { image, more: { containers: [main, agent], drain: '1s', scale } };
}

test('a line of a replica that a redeploy removed is found, also after a restart', async () => {
  await deployHello(tidegate, hello('1', { min: 1 }));
  const [first] = (await tidegate.adminJson<{ replicas: { name: string }[] }>('/v1/apps/shop/sets/web')).replicas;
  await deployHello(tidegate, hello('2', { min: 1 }));
  await until(async () => {
    const { stdout } = await tide('logs', '-a', 'shop', '--since', '1h', '--grep', OLD, '--member', 'main');
    return stdout.trim().split('\n').length === 2;
  });
  await tidegate.kill9();
  await tidegate.start();
  const { stdout, code } = await tide('logs', '-a', 'shop', '--since', '1h', '--grep', OLD, '--json');
  assert.equal(code, 0);
  const { items } = JSON.parse(stdout) as { items: { name: string; member: string; revision: string }[] };
  assert.deepEqual(
    items.map(({ member, revision }) => `${revision} ${member}`),
    ['r1 main', 'r2 main'],
  );
  assert.equal(items[0]?.name, first?.name);
});

test('commands run in the containers of a replica, and end with their own codes', async () => {
  const [seven, agent, none] = await Promise.all([
    tide('exec', 'web', '--', 'node', '-e', 'process.exit(7)'),
    tide('exec', 'web', '--member', 'agent', '--', 'node', '-p', 'process.env.ROLE'),
    tide('exec', 'web', '--member', 'nobody', '--', 'true'),
  ]);
  assert.deepEqual(seven, { code: 7, stdout: '', stderr: '' });
  assert.deepEqual(agent, { code: 0, stdout: 'agent\n', stderr: '' });
  assert.equal(none.code, 3);
});

test('top shows each container of a replica', async () => {
  const { stdout } = await tide('top');
  assert.match(stdout, /^web +default-shop-web-\w+ +[\d.]+ .*MiB/m);
  assert.match(stdout, /^ +agent +[\d.]+ .*MiB/m);
});

test('a frozen set is thawed for a command, and one that is stopped is woken when that is asked for', async () => {
  const single = { containers: [{ index: 1, name: 'main', image }] };
  await Promise.all([
    deployHello(tidegate, { image, app: 'cold', more: { ...single, scale: { min: 0, pause: '1s', stop: '1h' } } }),
    deployHello(tidegate, { image, app: 'off', more: { ...single, scale: { min: 0, stop: '1s' } } }),
  ]);
  await until(async () => (await phase('cold')) === 'frozen', { what: 'it is frozen' });
  assert.equal((await tide('exec', 'web', '-a', 'cold', '--', 'node', '-e', 'process.exit(5)')).code, 5);
  await until(async () => (await phase('off')) === 'stopped', { what: 'it is stopped' });
  const refused = await tide('exec', 'web', '-a', 'off', '--', 'true');
  assert.deepEqual([refused.code, /not_running/.test(refused.stderr)], [5, true]);
  assert.equal((await tide('exec', 'web', '-a', 'off', '--wake', '--', 'node', '-e', 'process.exit(6)')).code, 6);
});
