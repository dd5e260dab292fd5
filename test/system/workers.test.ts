/** Tidegate in several processes: what a visitor sees when one of them dies, and when a new version takes over. */
import assert from 'node:assert/strict';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { runHello } from '#test/support/hello';
import { SteadyLoad } from '#test/support/steady-load';
import { ask, startTidegate, type TidegateProcess } from '#test/support/tidegate';
import { until } from '#test/support/until';
import { childrenOf } from '#test/workers/children';

const TWO_WORKERS = { TIDEGATE_WORKERS: '2' };
const ROOT = path.resolve(import.meta.dirname, '../..');
/** What the program is not made of. */
const NOT_COPIED = ['node_modules', '.git', 'test', 'load', 'data'];

let engine: TestEngine;
let tidegate: TidegateProcess | null = null;

before(async () => {
  engine = await startTestEngine();
  await engine.images.hello();
});
after(() => engine.close());
afterEach(async () => {
  await tidegate?.close();
  tidegate = null;
  await engine.reset();
});

async function startWithTwo(labels: Record<string, string> = {}): Promise<TidegateProcess> {
  await runHello(engine, { name: 'shop', labels: { 'tidegate.app': 'shop', ...labels } });
  tidegate = await startTidegate({ docker: engine.socket, settings: TWO_WORKERS });
  assert.equal((await tidegate.ask('shop.localhost')).status, 200);
  return tidegate;
}

test('requests over all workers count as one in the metrics and wake a sleeping set once', async () => {
  const one = await startWithTwo({ 'tidegate.scale.min': '0', 'tidegate.scale.pause': '500ms' });
  await until(async () => (await one.adminJson<{ state: string }>('/v1/apps/shop/sets/web')).state === 'frozen');
  const { port } = one;
  const asks = Array.from({ length: 200 }, () => ask(port, { headers: { host: 'shop.localhost' } }));
  const answers = await Promise.all(asks);
  assert.ok(answers.every((answer) => answer.status === 200));
  const metrics = (await one.admin('/metrics')).body;
  const counted = /^tidegate_requests_total\{.*app="shop".*status="2xx".*\} (\d+)$/m.exec(metrics)?.[1];
  assert.equal(Number(counted), 201);
  assert.equal(childrenOf(one.pid, 'worker').length, 2);
});

test('a killed worker is replaced, and breaks at most what it had in flight', async (t) => {
  const one = await startWithTwo();
  const [victim = 0] = childrenOf(one.pid, 'worker');
  const load = new SteadyLoad({ port: one.port, hostname: 'shop.localhost', perSecond: 100 });
  t.after(() => load.stop());
  await until(() => load.sent >= 50);
  process.kill(victim, 'SIGKILL');
  await until(() => {
    const now = childrenOf(one.pid, 'worker');
    return now.length === 2 && !now.includes(victim);
  });
  const before = load.sent;
  await until(() => load.sent >= before + 50);
  const { outcomes } = await load.stop();
  const { 200: good = 0, ...others } = outcomes;
  const broken = Object.values(others).reduce((sum, count) => sum + count, 0);
  assert.ok(good > 90, JSON.stringify(outcomes));
  assert.ok(broken < 50, JSON.stringify(outcomes));
  assert.deepEqual(
    Object.keys(others).filter((what) => /^\d/.test(what)),
    [],
    'no answer but 200',
  );
  await until(async () => (await one.admin('/v1/events')).body.includes('worker.exited'));
});

test('a killed control costs running sets nothing, and wakes go on when it is back', async (t) => {
  const one = await startWithTwo();
  await runHello(engine, {
    name: 'nap',
    start: false,
    labels: { 'tidegate.app': 'nap', 'tidegate.scale.min': '0' },
  });
  await until(async () => (await one.admin('/v1/apps/nap')).status === 200);
  const [victim = 0] = childrenOf(one.pid, 'control');
  const load = new SteadyLoad({ port: one.port, hostname: 'shop.localhost', perSecond: 100 });
  t.after(() => load.stop());
  await until(() => load.sent >= 50);
  process.kill(victim, 'SIGKILL');
  assert.equal((await one.ask('nap.localhost')).status, 200);
  await until(async () => (await one.admin('/readyz')).status === 200);
  const before = load.sent;
  await until(() => load.sent >= before + 100);
  const result = await load.stop();
  assert.equal(result.failed, 0, JSON.stringify(result.outcomes));
});

test('a new version takes over while clients connect, without one of them noticing', async () => {
  const one = await startWithTwo();
  const { port } = one;
  const old = [...childrenOf(one.pid, 'worker'), ...childrenOf(one.pid, 'control')];
  const outcomes = new Map<string, number>();
  let open = 0;
  let made = 0;
  const count = (what: string): void => {
    open--;
    outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
  };
  const ticker = setInterval(() => {
    for (let i = 0; i < 5; i++) {
      made++;
      open++;
      ask(port, { headers: { host: 'shop.localhost' } }).then(
        ({ status }) => count(String(status)),
        (error) => count(String(error)),
      );
    }
  }, 10);
  await until(() => made >= 100);
  process.kill(one.pid, 'SIGUSR2');
  await until(
    () => {
      const now = [...childrenOf(one.pid, 'worker'), ...childrenOf(one.pid, 'control')];
      return now.length === 3 && !now.some((pid) => old.includes(pid));
    },
    { what: 'the old generation is gone', timeoutMs: 60_000 },
  ).finally(() => clearInterval(ticker));
  await until(() => open === 0);
  assert.deepEqual([...outcomes.keys()], ['200'], JSON.stringify([...outcomes]));
  assert.equal((await one.admin('/readyz')).status, 200);
  assert.equal(await one.stop('SIGINT'), 0);
});

/** A copy of the program that a test may break. */
function copyProgram(): string {
  const copy = mkdtempSync('/tmp/tg-program-');
  const isWanted = (source: string): boolean => !NOT_COPIED.includes(path.relative(ROOT, source));
  cpSync(ROOT, copy, { recursive: true, filter: isWanted });
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(copy, 'node_modules'));
  return copy;
}

test('a new version that cannot start, or cannot go on, leaves the old one serving', async (t) => {
  const root = copyProgram();
  t.after(() => rmSync(root, { recursive: true, force: true }));
  await runHello(engine, { name: 'shop', labels: { 'tidegate.app': 'shop' } });
  const one = await startTidegate({ docker: engine.socket, settings: TWO_WORKERS, root });
  tidegate = one;
  const load = new SteadyLoad({ port: one.port, hostname: 'shop.localhost', perSecond: 100 });
  t.after(() => load.stop());
  const before = [...childrenOf(one.pid, 'worker'), ...childrenOf(one.pid, 'control')];
  const failed = (): number => one.log.split('the old one goes on').length - 1;

  const worker = path.join(root, 'workers/worker-process.ts');
  const soundWorker = readFileSync(worker, 'utf8');
  appendFileSync(worker, '\nprocess.exit(3);\n');
  process.kill(one.pid, 'SIGUSR2');
  await until(() => failed() === 1, { what: 'workers that end at their start are given up' });
  writeFileSync(worker, soundWorker);

  const control = path.join(root, 'tidegate.ts');
  const soundControl = readFileSync(control, 'utf8');
  writeFileSync(
    control,
    soundControl.replace("log.info('starting'", "if (version) throw new Error('broken');\n    $&"),
  );
  const isGivenUp = (): boolean => {
    // The first takeover may not be over yet.
    if (one.log.split('"a new version takes over"').length < 3) process.kill(one.pid, 'SIGUSR2');
    return failed() === 2;
  };
  await until(isGivenUp, { what: 'a control that cannot act is given up', everyMs: 100 });
  writeFileSync(control, soundControl);
  await until(async () => (await one.admin('/readyz')).status === 200, { what: 'the old control acts again' });
  assert.deepEqual([...childrenOf(one.pid, 'worker'), ...childrenOf(one.pid, 'control')].sort(), before.sort());

  const sent = load.sent;
  await until(() => load.sent >= sent + 50);
  const result = await load.stop();
  assert.equal(result.failed, 0, JSON.stringify(result.outcomes));
});

test('it comes back when all its children are killed at once', async () => {
  const one = await startWithTwo();
  for (const pid of [...childrenOf(one.pid, 'worker'), ...childrenOf(one.pid, 'control')]) process.kill(pid, 'SIGKILL');
  // Who connects meanwhile waits in the queue of the listening socket.
  assert.equal((await one.ask('shop.localhost')).status, 200);
  await until(async () => (await one.admin('/v1/events')).body.includes('control.exited'));
  assert.equal(await one.stop('SIGINT'), 0);
});

/** Whether the TLS session was resumed, and one for the next time. */
function shakeHands(options: ConnectionOptions): Promise<{ reused: boolean; session: Buffer | undefined }> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ ...options, ALPNProtocols: ['http/1.1'] });
    socket.on('error', reject);
    socket.once('data', () => {
      resolve({ reused: socket.isSessionReused(), session: socket.getSession() });
      socket.destroy();
    });
    socket.write('GET / HTTP/1.1\r\nhost: shop.localhost\r\n\r\n');
  });
}

function askHttp2(session: ClientHttp2Session): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': '/', ':authority': 'shop.localhost' });
    let status = 0;
    stream.on('response', (headers) => {
      status = headers[':status'] ?? 0;
    });
    stream.on('error', reject);
    stream.on('close', () => resolve(status));
    stream.resume();
    stream.end();
  });
}

test('TLS sessions are resumed by every worker, and HTTP/2 clients notice nothing of a takeover', async () => {
  await runHello(engine, { name: 'shop', labels: { 'tidegate.app': 'shop' } });
  const settings = { ...TWO_WORKERS, TIDEGATE_HTTPS: '127.0.0.1:0' };
  const one = await startTidegate({ docker: engine.socket, settings });
  tidegate = one;
  const port = Number(/"listener":"https".*"port":(\d+)/.exec(one.log)?.[1]);
  const ca = readFileSync(path.join(one.data, 'ca/ca.pem'));
  const tls = { host: '127.0.0.1', port, servername: 'shop.localhost', ca };
  const { session } = await shakeHands(tls);
  assert.ok(session !== undefined);
  const again = await Promise.all(Array.from({ length: 40 }, () => shakeHands({ ...tls, session })));
  assert.ok(again.every((one) => one.reused));

  const old = childrenOf(one.pid, 'worker');
  const answers = new Map<string, number>();
  let open = true;
  const client = async (): Promise<void> => {
    let connection: ClientHttp2Session | null = null;
    while (open) {
      if (connection === null || connection.closed || connection.destroyed) {
        connection = connectHttp2(`https://127.0.0.1:${port}`, { servername: 'shop.localhost', ca });
        connection.on('error', (error) => answers.set(error.message, 1));
      }
      const answer = await askHttp2(connection).catch((error: Error) => error.message);
      answers.set(String(answer), (answers.get(String(answer)) ?? 0) + 1);
    }
    connection?.close();
  };
  const clients = Array.from({ length: 4 }, client);
  await until(() => (answers.get('200') ?? 0) > 100);
  process.kill(one.pid, 'SIGUSR2');
  await until(() => !childrenOf(one.pid, 'worker').some((pid) => old.includes(pid)), { timeoutMs: 60_000 });
  open = false;
  await Promise.all(clients);
  assert.deepEqual([...answers.keys()], ['200'], JSON.stringify([...answers]));
});
