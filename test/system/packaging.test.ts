/** Tidegate in its own image, beside the containers it serves. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { folderEntries } from '../../setup/folder-entries.js';
import { build, ensureNodeBase } from '../../setup/images.js';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { type Hello, runHello } from '../support/hello.ts';
import { ask } from '../support/tidegate.ts';
import { until } from '../support/until.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const IMAGE = 'tidegate/tidegate:test';
/** What a dependency needs while it runs. Types, maps and sources are left out to have the image built sooner. */
const RUN_TIME = /\.(js|cjs|mjs|json|proto|node)$/;

interface FileEntry {
  readonly path: string;
  readonly file: string;
}

/** The context of the image as the documented commands send it: a clone with `npm ci --omit=dev --ignore-scripts`. */
async function context(): Promise<FileEntry[]> {
  const ignored = readFileSync(path.join(ROOT, 'packaging/Dockerfile.dockerignore'), 'utf8').split('\n');
  const names = readdirSync(ROOT, { withFileTypes: true }).filter(
    ({ name }) => !name.startsWith('.') && !name.endsWith('.md') && name !== 'node_modules' && !ignored.includes(name),
  );
  const files = names
    .filter((entry) => entry.isFile())
    .map(({ name }) => ({ path: name, file: path.join(ROOT, name) }));
  const folders = names.filter((entry) => entry.isDirectory()).map(({ name }) => folderEntries(ROOT, name));
  const lock = JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean }>;
  };
  const modules = Object.entries(lock.packages)
    .filter(([name, { dev, optional }]) => name.startsWith('node_modules/') && !dev && !optional)
    .filter(([name]) => !ignored.includes(name) && existsSync(path.join(ROOT, name)))
    .map(([name]) => folderEntries(ROOT, name));
  return [
    { path: 'packaging/Dockerfile', file: path.join(ROOT, 'packaging/Dockerfile') },
    ...files,
    ...(await Promise.all(folders)).flat(),
    ...(await Promise.all(modules)).flat().filter(({ file }) => RUN_TIME.test(file)),
  ];
}

/** Port of a listener, read from what Tidegate writes. */
function portOf(log: string, listener: string): number {
  const lines = log.split('\n').filter((line) => line.includes('"listening"'));
  const records = lines.map((line) => JSON.parse(line.slice(line.indexOf('{'))) as { listener: string; port: number });
  return records.find((record) => record.listener === listener)?.port ?? 0;
}

/** State of a container's control group, whoever put it there. */
function isFrozen(engine: TestEngine, { id }: Hello): boolean {
  const v1 = `/sys/fs/cgroup/freezer/${engine.bridge}/${id}/freezer.state`;
  if (existsSync(v1)) return readFileSync(v1, 'utf8').startsWith('FROZEN');
  return readFileSync(`/sys/fs/cgroup/${engine.bridge}/${id}/cgroup.events`, 'utf8').includes('frozen 1');
}

describe('Tidegate in a container', () => {
  let engine: TestEngine;
  before(async () => {
    engine = await startTestEngine();
    const base = await ensureNodeBase({ socketPath: engine.socketPath });
    const entries = await context();
    await build({ socketPath: engine.socketPath }, IMAGE, {
      dockerfile: 'packaging/Dockerfile',
      args: { BASE: base },
      content: 'test',
      entries,
    });
  });
  after(() => engine.close());

  test('serves the containers beside it, freezes them directly when idle, and ends with 0', async () => {
    const hello = await runHello(engine, {
      name: 'hello',
      labels: { 'tidegate.app': 'hello', 'tidegate.scale.min': '0', 'tidegate.scale.pause': '200ms' },
      start: false,
    });
    // As in packaging/compose.yaml.
    const hostConfig = {
      NetworkMode: 'host',
      PidMode: 'host',
      CgroupnsMode: 'host',
      Binds: [`${engine.socketPath}:/var/run/docker.sock`, '/sys/fs/cgroup:/sys/fs/cgroup'],
    };
    const tidegate = await engine.docker.createContainer({
      name: 'tidegate',
      Image: IMAGE,
      Labels: { 'tidegate.enable': 'false' },
      Env: ['TIDEGATE_HTTP=127.0.0.1:0', 'TIDEGATE_HTTPS=off', 'TIDEGATE_ADMIN=127.0.0.1:0'],
      HostConfig: hostConfig,
    });
    await tidegate.start();
    const log = async (): Promise<string> => String(await tidegate.logs({ stdout: true, stderr: true }));
    const admin = await until(async () => portOf(await log(), 'admin'), { what: 'the admin API listens' });
    await until(async () => (await ask(admin, { path: '/readyz' })).status === 200, { what: 'Tidegate is ready' });
    const port = portOf(await log(), 'http');

    const woken = await ask(port, { headers: { host: 'hello.localhost' } });
    assert.equal(woken.status, 200);
    assert.match(String(woken.headers['server-timing']), /^wake;dur=/);

    await until(() => isFrozen(engine, hello), { what: 'the idle container is frozen' });
    const { State } = await hello.container.inspect();
    assert.equal(State.Paused, false, 'frozen in its control group, not paused by the Engine');
    const thawed = await ask(port, { headers: { host: 'hello.localhost' } });
    assert.equal(thawed.status, 200);

    await tidegate.stop({ t: 60 });
    assert.equal((await tidegate.inspect()).State.ExitCode, 0, await log());
  });
});
