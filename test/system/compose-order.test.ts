/** A compose file of four services on a real Engine: they come up in their order, find each other by name, and are served. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { endOf, type OperationSeen } from '#test/support/deployed-app';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { execIn } from '#test/support/exec-in';
import { startTidegate, type TidegateProcess } from '#test/support/tidegate';
import { until } from '#test/support/until';

/** What a container says first of another: what it answered, or why it did not. Asked once. */
const asks = (set: string): string =>
  `console.log('first asked', '${set}', await fetch('http://${set}:8080/healthz').then((r) => r.status, (e) => e.cause?.code))`;

/** Nothing in it but the image is ours: it would run with compose as well. */
const FILE = `
x-hello: &hello
  image: \${IMAGE:?which}
  restart: always
  mem_limit: 128m
services:
  web:
    <<: *hello
    command: [node, --input-type=module, -e, "${asks('db')}; ${asks('cache')}; await import('/app/server.js')"]
    ports: ["8080:8080"]
    depends_on:
      worker: { condition: service_started }
      db: { condition: service_healthy }
    environment: { RELEASE: "\${RELEASE:-1}" }
    labels: { tidegate.health.path: /healthz, tidegate.health.interval: 500ms }
  worker:
    <<: *hello
    command: [node, --input-type=module, -e, "${asks('db')}; ${asks('cache')}; setInterval(() => {}, 1000)"]
    depends_on: [db, cache]
  cache:
    <<: *hello
    expose: [8080]
  db:
    <<: *hello
    expose: ["8080"]
    environment: [START_DELAY_MS=1500]
    volumes: ["data:/data"]
    healthcheck:
      test: [CMD, node, -e, "fetch('http://127.0.0.1:8080/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
      interval: 1s
      start_period: 30s
volumes: { data: }
`;

let engine: TestEngine;
let tidegate: TidegateProcess;
let image: string;

before(async () => {
  engine = await startTestEngine();
  image = await engine.images.hello();
  tidegate = await startTidegate({ docker: engine.socket });
});
after(async () => {
  await tidegate?.close();
  await engine?.close();
});

interface ContainerSeen {
  readonly Id: string;
  readonly State: string;
  readonly Labels: Readonly<Record<string, string>>;
}

async function members(): Promise<readonly ContainerSeen[]> {
  const all = (await engine.docker.listContainers({ all: true })) as unknown as ContainerSeen[];
  return all.filter((one) => one.Labels['tidegate.role'] === 'member');
}

/** Of the sets that have any, in the order of the names; two of one set are two. */
async function ids(): Promise<readonly (readonly [set: string, id: string])[]> {
  const found = (await members()).map((one) => [one.Labels['tidegate.set'] ?? '', one.Id] as const);
  return found.toSorted(([a], [b]) => (a < b ? -1 : 1));
}

async function idOf(set: string): Promise<string> {
  const found = (await members()).find((one) => one.Labels['tidegate.set'] === set && one.State === 'running');
  assert.ok(found !== undefined, `${set} runs`);
  return found.Id;
}

async function said(set: string): Promise<string> {
  const container = engine.docker.getContainer(await idOf(set));
  return (await container.logs({ stdout: true, stderr: true })).toString();
}

async function compose(variables: Readonly<Record<string, string>>): Promise<OperationSeen> {
  const body = JSON.stringify({ text: FILE, variables });
  const { id } = await tidegate.adminJson<{ id: string }>('/v1/apps/shop/compose', { method: 'POST', body });
  return await endOf(tidegate, id);
}

test('four services come up in their order, find each other by name, are served, and change alone where they changed', async () => {
  const end = await compose({ IMAGE: image });
  assert.equal(end.state, 'succeeded', JSON.stringify(end));
  const first = await ids();
  assert.deepEqual(
    first.map(([set]) => set),
    ['cache', 'db', 'web', 'worker'],
  );
  // A set is made only when those it depends on answer: the very first question of each is answered, and none asked twice.
  for (const set of ['worker', 'web']) {
    const lines = (await said(set)).match(/first asked .*/g);
    assert.deepEqual(lines, ['first asked db 200', 'first asked cache 200'], set);
  }
  const get = "fetch('http://db:8080/').then((r) => r.text()).then(console.log)";
  const asked = await execIn(engine, await idOf('web'), ['node', '-e', get]);
  assert.match(asked.output, /"app":\s*"hello"/);

  const release = async (): Promise<unknown> => {
    const { status, body } = await tidegate.ask('shop.localhost');
    assert.equal(status, 200, body);
    return (JSON.parse(body) as { release: unknown }).release;
  };
  assert.equal(await release(), '1');
  for (const set of ['db', 'cache', 'worker']) {
    assert.equal((await tidegate.ask(`${set}--shop.localhost`)).status, 404, `${set} is for sets of the app alone`);
  }

  assert.equal((await compose({ IMAGE: image })).state, 'succeeded');
  assert.deepEqual(await ids(), first, 'the same file once more moves nothing');

  const again = await compose({ IMAGE: image, RELEASE: '2' });
  assert.equal(again.state, 'succeeded', JSON.stringify(again));
  assert.equal(await release(), '2');
  await until(async () => (await ids()).length === 4, { what: 'the old web is gone' });
  const others = ([set]: readonly [string, string]): boolean => set !== 'web';
  assert.deepEqual((await ids()).filter(others), first.filter(others), 'what did not change runs on');

  const bad = await tidegate.admin('/v1/apps/shop/compose', {
    method: 'POST',
    body: JSON.stringify({
      text: 'services:\n  web:\n    image: a\n    privileged: true\n    volumes: ["/run:/run"]\n',
    }),
  });
  assert.equal(bad.status, 422);
  assert.match(bad.body, /Line 4, column 5: web: privileged containers/);
  assert.match(bad.body, /Line 5, column 5: web: paths of the host/);
  assert.equal(await release(), '2', 'nothing of it was taken');
});
