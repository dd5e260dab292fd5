/** Events on the command line: the past in the order it happened, and what happens, over breaks of the connection. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { until } from '#test/support/until';
import { linesOf, type Running, TideGround } from './tide-ground.ts';

const RECONNECT_AFTER_MS = 2000;

function record({ tidegate }: TideGround, cause: string, app = 'shop'): void {
  tidegate.ports.record({ type: 'set.waking', tenant: 'default', app, set: 'web', cause });
}

function causes(running: Running): string[] {
  return linesOf(running.stdout()).map((line) => JSON.parse(line).cause);
}

function isOpen(running: Running): boolean {
  return running.stderr().includes('as they happen');
}

/** A way to the API that can be cut. */
async function wire(t: TestContext, url: string): Promise<{ url: string; cut: () => void; count: () => number }> {
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer((near) => {
    count++;
    const far = connect(Number(new URL(url).port), '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  t.after(() => {
    server.close();
    cut();
  });
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`, cut, count: () => count };
}

test('events are shown in the order they happened, filtered and as the API has them', async (t) => {
  const ground = await TideGround.start(t);
  record(ground, 'first');
  record(ground, 'second', 'blog');
  record(ground, 'third');
  const { stdout } = await ground.tide(['events', '-a', 'shop']);
  assert.deepEqual(
    linesOf(stdout).map((line) => line.split(/ {2,}/).slice(1)),
    [
      ['set.waking', 'shop/web', 'first'],
      ['set.waking', 'shop/web', 'third'],
    ],
  );
  const json = JSON.parse((await ground.tide(['events', '--limit', '2', '--json'])).stdout);
  const { items } = (await ground.api('/v1/events?limit=2')) as { items: unknown };
  assert.deepEqual(json, { items });
  const odd = await ground.tide(['events', '--type', 'set.wakin']);
  assert.equal(odd.code, 1);
  assert.match(odd.stderr, /Did you mean "set\.waking"/);
});

test('events -f goes on over a broken connection and gives every event once', async (t) => {
  const ground = await TideGround.start(t);
  const { clock } = ground.tidegate;
  const { url, cut, count } = await wire(t, ground.url);
  record(ground, 'past');
  const running = ground.begin(['events', '-f', '--json'], { env: { TIDEGATE_URL: url } });
  await until(() => isOpen(running));
  record(ground, 'one');
  await until(() => causes(running).length === 1);
  const before = count();
  cut();
  await until(() => running.stderr().includes('trying again in 2 s'));
  record(ground, 'two, while nobody listened');
  await clock.advance(RECONNECT_AFTER_MS);
  await until(() => causes(running).length === 2);
  assert.ok(count() > before, 'over a new connection');
  record(ground, 'three');
  await until(() => causes(running).length === 3);
  running.interrupt();
  const { code, stderr } = await running.done;
  assert.equal(code, 130);
  assert.deepEqual(causes(running), ['one', 'two, while nobody listened', 'three']);
  assert.match(stderr, /The stream goes on\./);
});

test('events -f with --limit begins in the past and leaves nothing out between', async (t) => {
  const ground = await TideGround.start(t);
  for (const cause of ['a', 'b', 'c']) record(ground, cause);
  const running = ground.begin(['events', '-f', '--limit', '2', '--json']);
  await until(() => causes(running).length === 2);
  record(ground, 'd');
  await until(() => causes(running).length === 3);
  running.interrupt();
  await running.done;
  assert.deepEqual(causes(running), ['b', 'c', 'd']);
});

test('events -f says when some are lost', async (t) => {
  const ground = await TideGround.start(t);
  record(ground, 'one');
  const { url, cut } = await wire(t, ground.url);
  const running = ground.begin(['events', '-f', '--json'], { env: { TIDEGATE_URL: url } });
  await until(() => isOpen(running));
  cut();
  await until(() => running.stderr().includes('trying again'));
  for (let i = 0; i < 150; i++) record(ground, `${i}`);
  await ground.tidegate.clock.advance(RECONNECT_AFTER_MS);
  await until(() => causes(running).at(-1) === '149');
  running.interrupt();
  assert.match((await running.done).stderr, /Some events are lost/);
});

test('events -f ends when a new try is refused for good', async (t) => {
  const ground = await TideGround.start(t);
  const { url, cut } = await wire(t, ground.url);
  let isRevoked = false;
  const door: typeof fetch = (input, init) => {
    const headers = new Headers(init?.headers);
    if (isRevoked) headers.set('authorization', 'Bearer tide_op_00_gone');
    return fetch(input, { ...init, headers });
  };
  const running = ground.begin(['events', '-f'], { env: { TIDEGATE_URL: url }, fetch: door });
  await until(() => isOpen(running));
  isRevoked = true;
  cut();
  await until(() => running.stderr().includes('trying again'));
  await ground.tidegate.clock.advance(RECONNECT_AFTER_MS);
  const { code, stderr } = await running.done;
  assert.equal(code, 4, stderr);
});
