/** `tide` as a process of its own: from any directory, in pipes, at Ctrl-C, and before anything is installed. */
import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import test from 'node:test';
import { TOKEN } from '#test/admin/tidegate';
import { temporaryDirectory } from '#test/store/temporary';
import { until } from '#test/support/until';
import { type Ran, TideGround } from './tide-ground.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const LAUNCHER = join(ROOT, 'setup/tide.js');
const PROGRAM = join(ROOT, 'cli/tide.ts');

type Tide = ChildProcessByStdio<Writable, Readable, Readable>;

function start(
  { url, home }: TideGround,
  file: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Tide {
  return spawn(process.execPath, [file, ...args], {
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home, TIDEGATE_URL: url, TIDEGATE_TOKEN: TOKEN, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

async function ended(tide: Tide): Promise<Ran> {
  const [stdout, stderr, [code]] = await Promise.all([text(tide.stdout), text(tide.stderr), once(tide, 'close')]);
  return { code, stdout, stderr };
}

test('the launcher runs it from any directory, with its streams and its exit code', async (t) => {
  const ground = await TideGround.start(t);
  ground.discover();
  const [status, missing, wrong, login] = [
    start(ground, LAUNCHER, ['status', '--json']),
    start(ground, LAUNCHER, ['status', '-a', 'nope']),
    start(ground, LAUNCHER, ['statsu']),
    start(ground, LAUNCHER, ['login', '--json'], { TIDEGATE_TOKEN: '' }),
  ];
  login.stdin.end(`${TOKEN}\n`);
  const ran = await Promise.all([status, missing, wrong, login].map(ended));
  assert.deepEqual(
    ran.map(({ code }) => code),
    [0, 3, 2, 0],
    JSON.stringify(ran),
  );
  assert.equal(JSON.parse(ran[0]?.stdout ?? '').items[0].name, 'shop');
  assert.equal(JSON.parse(ran[3]?.stdout ?? '').id, 'op_01');
  assert.doesNotMatch(ran.map(({ stdout, stderr }) => stdout + stderr).join(''), /Warning/);
});

test('another Node than that of the project hands on to it, with signals and exit code', async (t) => {
  const ground = await TideGround.start(t);
  // To the launcher this is another one: it goes by the path.
  const other = join(ground.home, 'node');
  cpSync(process.execPath, other);
  const tide = spawn(other, [LAUNCHER, 'events', '-f'], {
    cwd: ground.home,
    env: { PATH: process.env.PATH, HOME: ground.home, TIDEGATE_URL: ground.url, TIDEGATE_TOKEN: TOKEN },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  tide.stderr.setEncoding('utf8').on('data', (chunk) => (said += chunk));
  await until(() => said.includes('as they happen'));
  tide.kill('SIGINT');
  assert.deepEqual(await once(tide, 'close'), [130, null], said);
});

test('Ctrl-C ends it with 130', async (t) => {
  const ground = await TideGround.start(t);
  const tide = start(ground, PROGRAM, ['events', '-f']);
  let said = '';
  tide.stderr.setEncoding('utf8').on('data', (chunk) => (said += chunk));
  await until(() => said.includes('as they happen'));
  tide.kill('SIGINT');
  assert.deepEqual(await once(tide, 'close'), [130, null], said);
});

test('when nobody reads its output any more it ends silently, and not as if all was well', async (t) => {
  const ground = await TideGround.start(t);
  const tide = start(ground, PROGRAM, ['events', '-f', '--json']);
  let said = '';
  tide.stderr.setEncoding('utf8').on('data', (chunk) => (said += chunk));
  await until(() => said.includes('as they happen'));
  tide.stdout.destroy();
  const closed = once(tide, 'close');
  let isClosed = false;
  void closed.then(() => (isClosed = true));
  await until(() => {
    ground.tidegate.ports.record({ type: 'set.waking', tenant: 'default', app: 'shop', cause: 'again' });
    return isClosed;
  });
  assert.deepEqual(await closed, [141, null], said);
  assert.equal(said.trim().split('\n').length, 1, said);
});

test('without anything installed the launcher says what to do', (t) => {
  const clone = temporaryDirectory(t);
  cpSync(join(ROOT, 'setup'), join(clone, 'setup'), { recursive: true });
  writeFileSync(join(clone, 'package.json'), '{"type":"module"}');
  mkdirSync(join(clone, 'elsewhere'));
  const ran = spawnSync(process.execPath, [join(clone, 'setup/tide.js'), 'status'], {
    cwd: join(clone, 'elsewhere'),
    encoding: 'utf8',
  });
  assert.deepEqual([ran.status, ran.stdout], [1, '']);
  assert.match(ran.stderr, /not installed.*\nfix: .*npm install/);
  assert.ok(ran.stderr.includes(clone), 'where to run it');
});
