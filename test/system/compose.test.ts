/** An app of four sets from a compose file, with `tide`, on a real Engine: in order, reached by name, and with its data kept. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { runTide, type TideRan } from '#test/support/tide';
import { startTidegate, type TidegateProcess } from '#test/support/tidegate';

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

function file(release: string): string {
  return `
x-hello: &hello { image: ${image}, pull_policy: never, healthcheck: { disable: true } }
services:
  web:
    <<: *hello
    ports: ["8080:8080"]
    environment: { RELEASE: "${release}", DB: "http://db:8080" }
    depends_on: { api: { condition: service_healthy } }
  api: { <<: *hello, expose: [8080], depends_on: [db, worker] }
  worker: { image: tidegate/portless:test, pull_policy: never, restart: always, depends_on: [db] }
  db:
    <<: *hello
    expose: [8080]
    volumes: ["data:/data"]
    deploy: { resources: { limits: { cpus: "0.5", memory: 128M } } }
volumes: { data: }
`;
}

function tide(line: string): Promise<TideRan> {
  return runTide(tidegate, line.split(' '));
}

interface Seen {
  readonly id: string;
  readonly set: string;
  readonly revision: string;
  readonly created: number;
}

/** Main containers, in the order of their making. */
async function mains(): Promise<readonly Seen[]> {
  const all = await engine.docker.listContainers({ filters: { label: ['tidegate.role=member'] } });
  const seen = await Promise.all(
    all.map(async ({ Id }) => {
      const { Created, Config } = await engine.docker.getContainer(Id).inspect();
      const { 'tidegate.set': set = '', 'tidegate.revision': revision = '' } = Config.Labels;
      return { id: Id, set, revision, created: Date.parse(Created) };
    }),
  );
  return seen.toSorted((a, b) => a.created - b.created);
}

/** The example's files with a program that listens nowhere, as workers do, and without the port that its image says. */
async function makePortlessImage(): Promise<void> {
  const container = await engine.docker.createContainer({ Image: image });
  const files = await container.export();
  const named = {
    repo: 'tidegate/portless',
    tag: 'test',
    changes: 'CMD ["node", "-e", "setInterval(() => {}, 1000)"]',
  };
  const progress = await engine.docker.importImage(files, named);
  await new Promise<void>((resolve, reject) => {
    engine.docker.modem.followProgress(progress, (failed) => (failed ? reject(failed) : resolve()));
  });
  await container.remove();
}

test('a file brings four sets up in order; another image moves that set alone; a bad one says its line', async () => {
  await makePortlessImage();
  const compose = path.join(tidegate.data, 'compose.yaml');
  writeFileSync(compose, file('one'));
  const first = await tide(`deploy -f ${compose} --app shop --wait`);
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stderr, /worker\.restart is left out/);
  const made = await mains();
  assert.deepEqual(
    made.map(({ set, revision }) => `${set} ${revision}`),
    ['db r1', 'worker r1', 'api r1', 'web r1'],
  );
  const answer = await tidegate.ask('shop.localhost');
  assert.deepEqual([answer.status, JSON.parse(answer.body).release], [200, 'one']);
  assert.equal((await tidegate.ask('db--shop.localhost')).status, 404, 'what publishes no port has no hostname');

  // Words are split at spaces of the other kind alone.
  const script = 'fetch(process.env.DB).then(async (r)=>console.log((await r.json()).app,r.status))';
  const reached = await tide(`exec web --app shop -- node -e ${script.replaceAll(' ', '\u00a0')}`);
  assert.deepEqual([reached.code, reached.stdout.trim()], [0, 'hello 200'], reached.stderr);

  writeFileSync(compose, file('two'));
  const second = await tide(`deploy -f ${compose} --app shop --wait`);
  assert.equal(second.code, 0, second.stderr);
  assert.equal(JSON.parse((await tidegate.ask('shop.localhost')).body).release, 'two');
  const now = await mains();
  assert.deepEqual(
    new Set(now.map(({ set, revision }) => `${set} ${revision}`)),
    new Set(['db r1', 'worker r1', 'api r1', 'web r2']),
  );
  assert.equal(now.find((one) => one.set === 'db')?.id, made[0]?.id, 'what did not change is not touched');

  writeFileSync(compose, file('three').replace('expose: [8080], depends_on', 'expose: [http], depends_on'));
  const third = await tide(`deploy -f ${compose} --app shop --wait`);
  assert.equal(third.code, 1);
  assert.match(third.stderr, /Line 9, column \d+: api\.expose: "http" is not a port/);
  assert.equal(JSON.parse((await tidegate.ask('shop.localhost')).body).release, 'two');
});
