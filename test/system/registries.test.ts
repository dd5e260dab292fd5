/** Private images, from a real registry: who may have them, how often they are fetched, and what holds without the registry. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pauseImage } from '#docker/pause-image';
import { tar } from '#docker/tar';
import type { WishedSeen } from '#test/support/deployed-app';
import { DockerRegistry, push } from '#test/support/docker-registry';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { TestRegistry } from '#test/support/registry';
import { runTide, type TideRan } from '#test/support/tide';
import { startTidegate, type TidegateProcess } from '#test/support/tidegate';
import { until } from '#test/support/until';

const ROBOT = { username: 'robot', password: 'correct-horse-battery' };
const FRIEND = { username: 'friend', password: 'staple-of-another' };
const DEPLOYMENTS = 20;
const APART_MS = 25;
const LAYER_BYTES = 400_000;
/** The Engine tells of half a MiB at a time. */
const HELD_LAYER_BYTES = 3 * 1024 ** 2;
const TENANT = 'tidegate-tenant';

let engine: TestEngine;
let registry: DockerRegistry;
let tidegate: TidegateProcess;
/** All that anybody was told. */
let said = '';

before(async () => {
  engine = await startTestEngine();
  registry = await DockerRegistry.start([ROBOT, FRIEND]);
  tidegate = await startTidegate({ docker: engine.socket, settings: { TIDEGATE_WORKERS: '0' } });
  for (const name of ['acme', 'other']) {
    await tidegate.adminJson('/v1/tenants', { method: 'POST', body: JSON.stringify({ name }) });
  }
});
after(async () => {
  await tidegate.close();
  await registry[Symbol.asyncDispose]();
  await engine.close();
});

/** Pushes an image that only waits, with a layer nobody has seen, so that it has to be fetched. */
async function publish(name: string): Promise<string> {
  const { docker } = engine;
  const { name: base, archive } = pauseImage('amd64');
  await text(Readable.from(await docker.loadImage(Readable.from([archive]))));
  const entries = [
    { path: 'Dockerfile', data: Buffer.from(`FROM ${base}\nCOPY data /data\n`) },
    { path: 'data', data: randomBytes(LAYER_BYTES) },
  ];
  const built = await docker.buildImage(Readable.from([tar(entries)]), { t: 'built:1' });
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(built, (error) => (error === null ? resolve() : reject(error)));
  });
  const image = `${registry.host}/${name}`;
  await push(docker, 'built:1', image, ROBOT);
  await docker.getImage('built:1').remove({ force: true });
  registry.takeDownloads();
  return image;
}

interface PullSeen {
  readonly state: string;
  readonly progress: { readonly done: number; readonly total: number; readonly unit: string };
  readonly steps: readonly { readonly name: string; readonly state: string }[];
}

interface Wish {
  readonly image: string;
  readonly tenant?: string;
  readonly set?: string;
  readonly pull?: 'always' | 'missing' | 'never';
}

async function put({ image, tenant = 'acme', set = 'job', pull = 'missing' }: Wish): Promise<string | null> {
  const body = { class: 'tool', containers: [{ image }], pull, scale: { min: 1, max: 3 } };
  const asked = { method: 'PUT', headers: { [TENANT]: tenant }, body: JSON.stringify(body) };
  return (await tidegate.adminJson<WishedSeen>(`/v1/apps/shop/sets/${set}`, asked)).operation;
}

/** How the deployment of a set ends: its state, or the code of its error. */
async function deploy(wish: Wish): Promise<string> {
  return await endOf(await put(wish), wish.tenant);
}

async function endOf(operation: string | null, tenant = 'acme'): Promise<string> {
  const now = await until(
    async () => {
      const seen = await tidegate.adminJson<{ state: string; error: { code: string } | null }>(
        `/v1/operations/${operation}`,
        { headers: { [TENANT]: tenant, prefer: 'wait=5' } },
      );
      said += JSON.stringify(seen);
      return ['succeeded', 'failed'].includes(seen.state) ? seen : null;
    },
    { timeoutMs: 60_000, what: 'the deployment ends' },
  );
  return now.error?.code ?? now.state;
}

async function tide(line: string, input = ''): Promise<TideRan> {
  const ran = await runTide(tidegate, line.split(' '), input);
  said += ran.stdout + ran.stderr;
  return ran;
}

/** What `main` of each replica of a set runs, by id of the image. */
async function running(set = 'job', tenant = 'acme'): Promise<readonly string[]> {
  const label = [`tidegate.tenant=${tenant}`, `tidegate.set=${set}`, 'tidegate.role=member'];
  const found = await engine.docker.listContainers({ filters: JSON.stringify({ label }) });
  return found.map(({ ImageID }) => ImageID);
}

test('a private image is had after a login, which is told of nowhere, and by nobody else', async () => {
  const image = await publish('acme/job:1');
  assert.equal(await deploy({ image }), 'image.auth');
  assert.match(said, new RegExp(`tide registries login ${registry.host}`));
  const login = `registries login ${registry.host} -u robot --tenant acme`;
  const wrong = await tide(login, 'wrong-password\n');
  assert.equal(wrong.code, 1, wrong.stderr);
  assert.match(wrong.stderr, /refuses these credentials/);
  assert.equal((await tide(login, `${ROBOT.password}\n`)).code, 0);
  assert.equal(await deploy({ image }), 'succeeded');
  assert.equal(registry.takeDownloads().length > 0, true);
  const [id = ''] = await running();

  // The host has it now. That is of no use to another tenant, under no name of it and with no policy.
  const { RepoTags } = await engine.docker.getImage(id).inspect();
  assert.ok(
    RepoTags.some((one) => one.startsWith('tidegate-kept:')),
    String(RepoTags),
  );
  for (const name of [image, id, ...RepoTags]) {
    assert.equal(await deploy({ image: name, tenant: 'other', pull: 'never' }), 'image.auth', name);
  }
  assert.equal(await deploy({ image, tenant: 'other', pull: 'always' }), 'image.auth');
  const from = said.length;
  assert.equal(await deploy({ image, tenant: 'other' }), 'image.auth');
  assert.match(
    said.slice(from),
    new RegExp(`tide registries login ${registry.host}`),
    'also where nothing had to be pulled',
  );
  assert.deepEqual(await running('job', 'other'), []);

  // Another that the registry lets have it may use the copy, and fetches nothing.
  registry.takeDownloads();
  const friendly = { method: 'PUT', headers: { [TENANT]: 'other' }, body: JSON.stringify(FRIEND) };
  await tidegate.adminJson(`/v1/registries/${registry.host}`, friendly);
  assert.equal(await deploy({ image, tenant: 'other', pull: 'never' }), 'succeeded');
  assert.deepEqual(await running('job', 'other'), [id]);
  // To tell of an image at all, the Engine reads its configuration, whose digest is the id.
  assert.deepEqual(
    registry.takeDownloads().filter((one) => !one.endsWith(id)),
    [],
  );

  for (const what of ['events', 'audit', 'operations', 'registries', 'apps/shop/sets/job/revisions']) {
    said += JSON.stringify(await tidegate.adminJson(`/v1/${what}`, { headers: { [TENANT]: 'acme' } }));
  }
  for (const { Id } of await engine.docker.listContainers({ all: true })) {
    said += JSON.stringify(await engine.docker.getContainer(Id).inspect());
  }
  said += tidegate.log;
  assert.match(said, /"image\.pulling"/);
  assert.match(said, /"image\.pulled"/);
  for (const { password } of [ROBOT, FRIEND]) assert.ok(!said.includes(password), 'a password can be read');
});

test('twenty deployments of one image at a time fetch it once', async () => {
  const image = await publish('acme/many:1');
  const sets = Array.from({ length: DEPLOYMENTS }, (_, n) => `many${n}`);
  // One after the other: some come before there is anything, some while it is fetched, some as that ends.
  const ends = await Promise.all(
    sets.map(async (set, n) => {
      await sleep(n * APART_MS);
      return await deploy({ image, set });
    }),
  );
  assert.deepEqual(
    ends,
    sets.map(() => 'succeeded'),
  );
  const downloads = registry.takeDownloads();
  assert.equal(new Set(downloads).size, downloads.length, `each blob once: ${downloads.join('\n')}`);
  assert.ok(downloads.length >= 2, 'a configuration and a layer');
});

test('who waits for a pull sees how far it is, and a cancel ends it', async () => {
  await using slow = await TestRegistry.start();
  slow.publish(randomBytes(HELD_LAYER_BYTES).toString('base64'));
  slow.hold(HELD_LAYER_BYTES / 2);
  const operation = await put({ image: slow.image, set: 'slow' });
  const headers = { [TENANT]: 'acme' };
  const look = () => tidegate.adminJson<PullSeen>(`/v1/operations/${operation}`, { headers });
  const seen = await until(
    async () => {
      const now = await look();
      return now.progress.unit === 'bytes' && now.progress.done > 0 ? now : null;
    },
    { what: 'bytes are counted' },
  );
  assert.match(seen.steps.at(-1)?.name ?? '', /^pulling main [1-9]\d*\/[23]\d{3} KiB$/);
  assert.equal(seen.steps.at(-1)?.state, 'running');
  await tidegate.adminJson(`/v1/operations/${operation}/cancel`, { method: 'POST', headers });
  const end = await until(async () => ((await look()).state === 'canceled' ? await look() : null));
  assert.deepEqual([end.progress.unit, end.steps.filter(({ state }) => state === 'running')], ['sets', []]);
});

test('a revision is what it was: with the tag moved, the image removed, the registry away', async () => {
  const image = await publish('acme/kept:1');
  assert.equal(await deploy({ image, set: 'kept', pull: 'always' }), 'succeeded');
  const [first = ''] = await running('kept');

  // The tag moves: what runs stays, what is deployed anew is new.
  await publish('acme/kept:1');
  assert.deepEqual(await running('kept'), [first]);
  assert.equal(await again(), 'succeeded');
  await until(async () => !(await running('kept')).includes(first), { what: 'the new image alone' });

  // Somebody takes the first one away: going back has it from the registry, by its digest, whatever the tag means now.
  await engine.docker.getImage(first).remove({ force: true });
  await assert.rejects(engine.docker.getImage(first).inspect());
  assert.equal(await activate('r1'), 'succeeded');
  await until(async () => (await running('kept')).join() === first, { what: 'back at what was first' });
  const { RepoTags } = await engine.docker.getImage(first).inspect();
  assert.ok(
    RepoTags.some((one) => one.startsWith('tidegate-kept:acme.shop.kept.')),
    'and it is kept again',
  );

  // The registry is gone: replicas, and the way back, need it no more; what asks it anew says so.
  await registry.stop();
  await scale(2);
  await until(async () => (await running('kept')).join() === [first, first].join(), { what: 'a second replica' });
  assert.equal(await again(), 'image.unreachable');
  assert.equal(await activate('r2'), 'succeeded');
  await registry.run();
});

/** The same wish, deployed once more. */
async function again(): Promise<string> {
  const asked = { method: 'POST', headers: { [TENANT]: 'acme' }, body: JSON.stringify({ sets: ['kept'] }) };
  return await endOf((await tidegate.adminJson<{ id: string }>('/v1/apps/shop/deployments', asked)).id);
}

async function activate(revision: string): Promise<string> {
  const path = `/v1/apps/shop/sets/kept/revisions/${revision}/activate`;
  const asked = { method: 'POST', headers: { [TENANT]: 'acme' }, body: '{}' };
  return await endOf((await tidegate.adminJson<{ id: string }>(path, asked)).id);
}

async function scale(replicas: number): Promise<void> {
  const asked = { method: 'PUT', headers: { [TENANT]: 'acme' }, body: JSON.stringify({ replicas }) };
  await tidegate.adminJson('/v1/apps/shop/sets/kept/scale', asked);
}
