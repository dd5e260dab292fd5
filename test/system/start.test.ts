/** `npm start` as a stranger runs it. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { ask } from '../support/tidegate.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);
const ROOT = path.resolve(import.meta.dirname, '../..');
const START_MS = 120_000;

interface Started {
  readonly process: ChildProcess;
  readonly output: () => string;
  readonly exit: Promise<number | string | null>;
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function start(settings: Readonly<Record<string, string>>, args: readonly string[] = []): Started {
  const child = spawn(process.execPath, [path.join(ROOT, 'setup/start.js'), ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const exit = once(child, 'close').then(([code, signal]) => code ?? signal);
  return { process: child, output: () => output, exit };
}

describe('npm start', () => {
  let engine: TestEngine;
  let data: string;
  let settings: Record<string, string>;
  before(async () => {
    engine = await startTestEngine();
    data = mkdtempSync('/tmp/tg-data-');
    settings = {
      TIDEGATE_DOCKER: engine.socket,
      TIDEGATE_HTTP: `127.0.0.1:${await freePort()}`,
      TIDEGATE_HTTPS: `127.0.0.1:${await freePort()}`,
      TIDEGATE_ADMIN: `127.0.0.1:${await freePort()}`,
      TIDEGATE_DATA: data,
    };
  });
  after(async () => {
    await engine.close();
    rmSync(data, { recursive: true, force: true });
  });

  test('puts the example asleep behind Tidegate, prints the command that wakes it, and ends with 0 on Ctrl-C', async () => {
    const started = start(settings);
    const what = 'the command that wakes the example is printed';
    const curl = await until(() => /curl -i --resolve (\S+):(\d+):(\S+) (\S+)/.exec(started.output()), {
      what,
      timeoutMs: START_MS,
    });
    const [, hostname = '', port = '', address, url] = curl;
    assert.equal(`${address}:${port}`, settings.TIDEGATE_HTTP);
    assert.equal(url, `http://${hostname}:${port}/`);
    const tokenFile = /its token +(\S+)/.exec(started.output())?.[1] ?? '';
    assert.match(readFileSync(tokenFile, 'utf8'), /^tide_op_/);
    assert.equal(statSync(tokenFile).mode & 0o777, 0o600);

    const hello = engine.docker.getContainer('hello');
    assert.equal((await hello.inspect()).State.Status, 'created');
    const woken = await ask(Number(port), { headers: { host: `${hostname}:${port}` } });
    assert.equal(woken.status, 200);
    assert.match(String(woken.headers['server-timing']), /^wake;dur=/);

    const securePort = settings.TIDEGATE_HTTPS?.split(':')[1];
    const secureUrl = `https://${hostname}:${securePort}/`;
    assert.ok(started.output().includes(secureUrl));
    const caFile = /to trust +(\S+)/.exec(started.output())?.[1] ?? '';
    const trusting = ['-sS', '--cacert', caFile, '--resolve', `${hostname}:${securePort}:127.0.0.1`];
    const { stdout } = await run('curl', [...trusting, '-o', '/dev/null', '-w', '%{http_code}', secureUrl]);
    assert.equal(stdout, '200', 'over TLS, with a certificate that curl verifies');
    const other = secureUrl.replace(hostname, 'nobody.localhost');
    await assert.rejects(
      run('curl', ['-sS', '--cacert', caFile, '--resolve', `nobody.localhost:${securePort}:127.0.0.1`, other]),
      /unrecognized name/,
    );

    started.process.kill('SIGINT');
    assert.equal(await started.exit, 0, started.output());
    assert.equal((await hello.inspect()).State.Running, true, 'containers stay as they were');
  });

  test('carries on where the first run ended, with the container as it was', async () => {
    const { Id, State } = await engine.docker.getContainer('hello').inspect();
    const started = start(settings);
    await until(() => started.output().includes('Wake the example'), {
      timeoutMs: START_MS,
      what: 'Tidegate is ready',
    });
    const now = await engine.docker.getContainer('hello').inspect();
    assert.equal(now.Id, Id);
    assert.equal(now.State.StartedAt, State.StartedAt);
    started.process.kill('SIGTERM');
    assert.equal(await started.exit, 0, started.output());
  });

  test('leaves the example out when asked to', async () => {
    await engine.reset();
    const started = start(settings, ['--no-demo']);
    await until(() => started.output().includes('Tidegate is ready'), {
      timeoutMs: START_MS,
      what: 'Tidegate is ready',
    });
    assert.ok(!started.output().includes('curl'));
    assert.deepEqual(await engine.docker.listContainers({ all: true }), []);
    started.process.kill('SIGTERM');
    assert.equal(await started.exit, 0, started.output());
  });

  test('ends with 1 and the reason when a port is taken, and says nothing of being ready', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const started = start({ ...settings, TIDEGATE_HTTP: `127.0.0.1:${port}` }, ['--no-demo']);
    assert.equal(await started.exit, 1);
    assert.match(started.output(), new RegExp(String(port)));
    assert.ok(!started.output().includes('Tidegate is ready'));
    await new Promise((resolve) => taken.close(resolve));
  });

  test('ends with 1 and one message when no Engine answers where the settings say', async () => {
    const started = start({ ...settings, TIDEGATE_DOCKER: 'unix:///tmp/tg-no-such.sock' });
    assert.equal(await started.exit, 1);
    assert.match(started.output(), /no Docker Engine answers at \/tmp\/tg-no-such\.sock/);
  });

  test('refuses an argument that it does not know', async () => {
    const started = start(settings, ['--no-dmeo']);
    assert.equal(await started.exit, 1);
    assert.match(started.output(), /--no-dmeo.*--no-demo/);
  });
});
