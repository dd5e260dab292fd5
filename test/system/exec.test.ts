/** Commands in containers of a real Engine, through the API and its WebSocket. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import WebSocket from 'ws';
import { type AdminServer, startAdminServer } from '#admin/server';
import { systemClock } from '#core/clock';
import { EXEC_CHANNEL, EXEC_PROTOCOL, execMessage } from '#core/exec-protocol';
import { silentLog } from '#core/log';
import { type DockerEngine, openEngine } from '#docker/docker-engine';
import { live, Tidegate, TOKEN } from '#test/admin/tidegate';
import { replica, snapshot } from '#test/router/sample';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { runHello } from '../support/hello.ts';
import { runTide, type TideRan } from '../support/tide.ts';
import { until } from '../support/until.ts';

let daemon: TestEngine;
let engine: DockerEngine;
let server: AdminServer;
let containerId: string;
let touched: string[];

before(async () => {
  daemon = await startTestEngine();
  await daemon.images.hello();
});
after(() => daemon.close());

beforeEach(async () => {
  const tools = { clock: systemClock, log: silentLog };
  engine = openEngine({ endpoint: daemon.socket, host: 'local', ...tools });
  const hello = await runHello(daemon, { name: 'web-1', labels: { 'tidegate.app': 'shop' } });
  containerId = hello.container.id;
  touched = [];
  const tidegate = await Tidegate.start();
  const exec = { engine: () => engine, touch: (id: string) => void touched.push(id) };
  server = await startAdminServer({ ...tidegate.ports, ...tools, exec }, { host: '127.0.0.1', port: 0 });
  const one = replica(containerId, { name: 'web-1' });
  const facts = live({ replicas: [{ id: one.id, phase: 'ready', inFlight: 0 }] });
  tidegate.discover(snapshot('default/shop/web', [], { replicas: [one] }), facts);
});

afterEach(async () => {
  await server.close();
  engine.close();
  await daemon.reset();
});

async function ticket(body: object): Promise<{ status: number; url: string }> {
  const response = await fetch(`http://127.0.0.1:${server.port}/v1/apps/shop/exec`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify(body),
  });
  const { url = '' } = (await response.json()) as { url?: string };
  return { status: response.status, url: `ws://127.0.0.1:${server.port}${url}` };
}

/** A client of the protocol. */
class Client {
  readonly socket: WebSocket;
  stdout = '';
  stderr = '';
  status: unknown = null;
  readonly closed: Promise<number>;

  constructor(url: string) {
    this.socket = new WebSocket(url, EXEC_PROTOCOL);
    this.socket.on('message', (data: Buffer) => {
      const text = data.subarray(1).toString();
      if (data[0] === EXEC_CHANNEL.stdout) this.stdout += text;
      else if (data[0] === EXEC_CHANNEL.stderr) this.stderr += text;
      else if (data[0] === EXEC_CHANNEL.status) this.status = JSON.parse(text);
    });
    this.closed = once(this.socket, 'close').then(([code]) => code as number);
  }

  static async open(body: object): Promise<Client> {
    const { status, url } = await ticket(body);
    assert.equal(status, 201);
    const client = new Client(url);
    await once(client.socket, 'open');
    return client;
  }

  send(channel: number, payload: Uint8Array | string): void {
    this.socket.send(execMessage(channel, payload));
  }
}

/** Host ids of processes whose command line holds the word. */
function processesOf(word: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      return words.includes(word) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

/** A JavaScript program. */
function script(code: string, ...words: string[]): { command: string[] } {
  return { command: ['node', '-e', code, ...words] };
}

test('output, errors and exit code come back as they are', async () => {
  const code = `process.stdout.write('out ü'); process.stderr.write('err'); process.exitCode = 7`;
  const client = await Client.open({ ...script(code), env: { A: 'b' }, workdir: '/tmp' });
  assert.equal(await client.closed, 1000);
  assert.deepEqual([client.stdout, client.stderr, client.status], ['out ü', 'err', { exit_code: 7 }]);
  const env = await Client.open({
    ...script('console.log(process.env.A, process.cwd())'),
    env: { A: 'b' },
    workdir: '/tmp',
  });
  await env.closed;
  assert.equal(env.stdout, 'b /tmp\n');
});

test('input reaches the command, and its end does', async () => {
  const client = await Client.open(
    script(`let n = 0; process.stdin.on('data', (d) => n += d.length).on('end', () => console.log('read ' + n))`),
  );
  const piece = Buffer.alloc(60_000, 'x');
  for (let i = 0; i < 50; i++) client.send(EXEC_CHANNEL.stdin, piece);
  client.send(EXEC_CHANNEL.stdin, '');
  await client.closed;
  assert.equal(client.stdout, 'read 3000000\n');
});

test('much output is not kept in memory for a client that does not read', async () => {
  const client = await Client.open(script(`for (;;) require('fs').writeSync(1, 'x'.repeat(65536))`));
  client.socket.pause();
  const before = process.memoryUsage().rss;
  let last = -1;
  // It stands still: every buffer on the way is full.
  await until(
    () => {
      const [pid] = processesOf(`for (;;) require('fs').writeSync(1, 'x'.repeat(65536))`);
      const written = Number(/^wchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);
      const stands = written > 0 && written === last;
      last = written;
      return stands;
    },
    { everyMs: 300, what: 'the command waits for its reader' },
  );
  assert.ok(process.memoryUsage().rss - before < 100_000_000);
  client.socket.terminate();
});

test('a terminal has its size, which may change', async () => {
  const code = `console.log(process.stdout.columns + 'x' + process.stdout.rows);
    process.stdout.on('resize', () => { console.log('now ' + process.stdout.columns); process.exit(0); }); setInterval(() => {}, 1000)`;
  const client = await Client.open({ ...script(code), tty: true, cols: 100, rows: 30 });
  await until(() => /\d+x\d+/.test(client.stdout));
  await until(() => {
    client.send(EXEC_CHANNEL.resize, JSON.stringify({ cols: 120, rows: 40 }));
    return client.stdout.includes('now 120');
  });
  await client.closed;
  assert.deepEqual(client.status, { exit_code: 0 });
});

test('signals reach the command', async () => {
  const code = `process.on('SIGUSR1', () => { console.log('heard'); process.exit(3) }); console.log('up'); setInterval(() => {}, 1000)`;
  const client = await Client.open(script(code));
  await until(() => client.stdout.includes('up'));
  client.send(EXEC_CHANNEL.signal, 'SIGUSR1');
  await client.closed;
  assert.equal(client.stdout, 'up\nheard\n');
  assert.deepEqual(client.status, { exit_code: 3 });
});

test('a client that leaves takes the command with it, and all that it began', async () => {
  for (const tty of [false, true]) {
    const word = `left-alone-${tty}`;
    const child = `process.on('SIGTERM', () => {}); process.on('SIGHUP', () => {}); setInterval(() => {}, 1000)`;
    const code = `require('child_process').spawn('node', ['-e', ${JSON.stringify(child)}, '${word}'], { detached: true, stdio: 'ignore' });
      ${child}; console.log('up')`;
    const client = await Client.open({ ...script(code, word), tty });
    await until(() => client.stdout.includes('up') && processesOf(word).length === 2, { what: 'both run' });
    assert.ok(touched.includes(`local/${containerId}`), 'its set is kept awake');
    client.socket.terminate();
    await until(() => processesOf(word).length === 0, { what: 'both have ended' });
  }
  const { State } = await daemon.docker.getContainer(containerId).inspect();
  assert.equal(State.Running, true, 'the container itself runs on');
});

test('the end of Tidegate ends the command', async () => {
  const client = await Client.open(script('console.log("up"); setInterval(() => {}, 1000)', 'ends-with-us'));
  await until(() => client.stdout.includes('up'));
  await server.close();
  assert.deepEqual(processesOf('ends-with-us'), []);
  assert.equal(await client.closed, 1008);
});

/** The command line as a process of its own. */
function tide(args: readonly string[], input?: string): Promise<TideRan> {
  return runTide({ adminPort: server.port, operatorToken: TOKEN, data: tmpdir() }, args, input);
}

test('tide exec ends with the exit code of the command, and hands input and output on', async () => {
  const [seven, piped, none] = await Promise.all([
    tide(['exec', 'web', '--', 'node', '-e', 'console.error("oh"); process.exitCode = 7']),
    tide(
      ['exec', 'web', '-i', '-w', '/tmp', '--', 'node', '-e', 'process.stdin.pipe(process.stdout)'],
      'x'.repeat(1_000_000),
    ),
    tide(['exec', 'nobody', '--', 'true']),
  ]);
  assert.deepEqual(seven, { code: 7, stdout: '', stderr: 'oh\n' });
  assert.deepEqual({ ...piped, stdout: piped.stdout.length }, { code: 0, stdout: 1_000_000, stderr: '' });
  assert.equal(none.code, 3);
});

test('a ticket is good once, for the protocol, and for pages of no other origin', async () => {
  const { url } = await ticket(script('0'));
  const refusals: [WebSocket, number][] = [
    [new WebSocket(url, EXEC_PROTOCOL, { origin: 'https://evil.example' }), 403],
    [new WebSocket(url, 'other'), 400],
    [new WebSocket(url.replace('/v1/exec', '/v1/other'), EXEC_PROTOCOL), 404],
    [new WebSocket(`${url}x`, EXEC_PROTOCOL), 401],
  ];
  for (const [socket, status] of refusals) {
    socket.on('error', () => {});
    const [, response] = await once(socket, 'unexpected-response');
    assert.equal(response.statusCode, status);
    response.resume();
  }
  const first = new Client(url);
  await first.closed;
  assert.deepEqual(first.status, { exit_code: 0 });
  const second = new WebSocket(url, EXEC_PROTOCOL);
  second.on('error', () => {});
  const [, response] = await once(second, 'unexpected-response');
  assert.equal(response.statusCode, 401);
  response.resume();
});

test('a command that is not there says so', async () => {
  const client = await Client.open({ command: ['/no/such/program'] });
  await client.closed;
  assert.match(`${client.stdout}${JSON.stringify(client.status)}`, /no such file|12[67]/);
});

test('containers without labels of ours, and those that only hold a replica together, are refused', async () => {
  const image = await daemon.images.hello();
  const labels = { 'tidegate.app': 'shop', 'tidegate.replica': 'rep_1', 'tidegate.role': 'pause' };
  const foreign = await daemon.docker.createContainer({ Image: image });
  const pause = await daemon.docker.createContainer({ Image: image, Labels: labels });
  await pause.start();
  const options = { tty: false, env: {}, workdir: null, user: null, size: { cols: 80, rows: 24 }, mark: 'exe_1' };
  for (const { id } of [foreign, pause]) {
    await assert.rejects(engine.exec(id, { ...options, command: ['ls'] }), { code: 'engine.not_ours' });
  }
});
