/** Logs through the API: pages back in time, and streams that lose and double nothing. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { silentLog } from '#core/log';
import { type LogSource, stampOf } from '#logs/log-line';
import { LogStore } from '#logs/log-store';
import { snapshot } from '#test/router/sample';
import { temporaryDirectory } from '#test/store/temporary';
import { FakeClock } from '#test/support/fake-clock';
import { StreamReader } from './stream-reader.ts';
import { Tidegate } from './tidegate.ts';

const MIB = 1_048_576;
const LOGS = '/v1/apps/shop/logs';
const STREAM = { accept: 'text/event-stream' };

class Ground {
  readonly tidegate: Tidegate;
  readonly store: LogStore;
  #ms = 0;

  private constructor(tidegate: Tidegate, store: LogStore) {
    this.tidegate = tidegate;
    this.store = store;
  }

  static async start(t: TestContext): Promise<Ground> {
    const clock = new FakeClock();
    const options = { directory: temporaryDirectory(t), keepBytes: MIB, keepMs: 86_400_000 };
    const store = await LogStore.open({ ...options, clock, log: silentLog });
    const tidegate = await Tidegate.start(100, { logs: store }, clock);
    t.after(async () => {
      tidegate.closing.abort();
      await store.close();
    });
    return new Ground(tidegate, store);
  }

  /** Each a millisecond after the one before. */
  async write(set: string, ...texts: string[]): Promise<void> {
    const log = await this.store.logOf('default', 'shop', set);
    const name = `${set}-1`;
    const source: LogSource = {
      container: name.padEnd(64, '0'),
      replica: `local/${name}`,
      name,
      member: null,
      revision: null,
    };
    const drafts = texts.map((text) => {
      const at = stampOf(this.tidegate.clock.wall() + ++this.#ms);
      return { stream: 'stdout' as const, at, text, cut: false };
    });
    await log.append(source, drafts);
  }

  async texts(query = ''): Promise<{ texts: unknown[]; next: unknown; status: number }> {
    const { status, json } = await this.tidegate.json(`${LOGS}${query}`);
    return { status, texts: json.each('items', 'text'), next: json.at('next_cursor') };
  }

  async stream(query = '', headers: Record<string, string> = {}): Promise<StreamReader> {
    const response = await this.tidegate.ask(`${LOGS}${query}`, { headers: { ...STREAM, ...headers } });
    assert.equal(response.headers.get('content-type'), 'text/event-stream');
    return new StreamReader(response);
  }
}

/** The next `count` texts, and the last id. */
async function read(stream: StreamReader, count: number): Promise<{ texts: string[]; id: string }> {
  const texts: string[] = [];
  let id = '';
  while (texts.length < count) {
    const block = await stream.next();
    if (block.id !== undefined) id = block.id;
    if (block.data !== undefined && block.event === undefined) texts.push(JSON.parse(block.data).text);
  }
  return { texts, id };
}

test('pages go back through the sets of an app, merged by time', async (t) => {
  const ground = await Ground.start(t);
  await ground.write('web', 'one');
  await ground.write('worker', 'two', 'three');
  await ground.write('web', 'four', 'five');
  const first = await ground.texts('?tail=2');
  assert.deepEqual(first.texts, ['four', 'five']);
  const second = await ground.texts(`?tail=2&cursor=${first.next}`);
  assert.deepEqual(second.texts, ['two', 'three']);
  const third = await ground.texts(`?tail=2&cursor=${second.next}`);
  assert.deepEqual(third, { status: 200, texts: ['one'], next: null });
  assert.deepEqual((await ground.texts('?set=worker')).texts, ['two', 'three']);
});

test('lines are found by text as it stands, by time, replica and case', async (t) => {
  const ground = await Ground.start(t);
  await ground.write('web', 'GET /a.b "x"', 'GET /aXb', 'ünïcode');
  await ground.tidegate.clock.advance(7_200_000);
  await ground.write('web', 'late');
  assert.deepEqual((await ground.texts('?grep=a.b')).texts, ['GET /a.b "x"']);
  assert.deepEqual((await ground.texts(`?grep=${encodeURIComponent('"x"')}`)).texts, ['GET /a.b "x"']);
  assert.deepEqual((await ground.texts('?grep=get&ignore_case=true')).texts, ['GET /a.b "x"', 'GET /aXb']);
  assert.deepEqual((await ground.texts(`?grep=${encodeURIComponent('Ünïc')}&ignore_case=true`)).texts, ['ünïcode']);
  assert.deepEqual((await ground.texts('?since=1h')).texts, ['late']);
  assert.deepEqual((await ground.texts('?until=1h')).texts, ['GET /a.b "x"', 'GET /aXb', 'ünïcode']);
  assert.deepEqual((await ground.texts('?replica=web-1&grep=late')).texts, ['late']);
  assert.deepEqual((await ground.texts('?replica=web-2')).texts, []);
});

test('what cannot be asked is said', async (t) => {
  const ground = await Ground.start(t);
  await ground.write('web', 'one');
  for (const query of ['?since=yesterday', '?until=2026', '?tail=1001', '?stream=stdin', `?cursor=${btoa('web')}`]) {
    assert.equal((await ground.texts(query)).status, 422, query);
  }
  assert.equal((await ground.tidegate.ask('/v1/apps/shopp/logs')).status, 404);
  assert.equal((await ground.tidegate.ask(`${LOGS}?set=none`)).status, 404);
  const other = await ground.tidegate.ask(LOGS, { headers: { 'tidegate-tenant': 'other' } });
  assert.equal(other.status, 404, 'logs of another tenant are not there');
  ground.tidegate.discover(snapshot('default/quiet/web', []));
  const { json } = await ground.tidegate.json('/v1/apps/quiet/logs');
  assert.deepEqual(json.value, { items: [], next_cursor: null });
});

test('a stream begins with the newest lines, goes on, and is taken up where it broke', async (t) => {
  const ground = await Ground.start(t);
  await ground.write('web', 'one', 'two');
  await ground.write('worker', 'three');
  const stream = await ground.stream('?tail=2');
  assert.deepEqual((await read(stream, 2)).texts, ['two', 'three']);
  await ground.write('web', 'four');
  await ground.write('worker', 'five');
  await ground.write('new', 'six');
  const { texts, id } = await read(stream, 2);
  await stream.cancel();
  await ground.write('web', 'seven');
  const again = await ground.stream('', { 'last-event-id': id });
  const rest = await read(again, 2);
  assert.deepEqual([...texts, ...rest.texts].sort(), ['five', 'four', 'seven', 'six']);
  await again.cancel();
});

test('a reader that retention overtakes is told, and reads on', async (t) => {
  const ground = await Ground.start(t);
  await ground.write('web', 'one');
  const stream = await ground.stream('?tail=1');
  const { id } = await read(stream, 1);
  for (let i = 0; i < 60; i++) await ground.write('web', `${i} ${'x'.repeat(60_000)}`);
  const block = await stream.next();
  assert.equal(block.event, 'gap');
  await read(stream, 3);
  await stream.cancel();
  const again = await ground.stream('', { 'last-event-id': id });
  await again.next(); // the greeting
  assert.equal((await again.next()).event, 'gap');
  await again.cancel();
});

test('a quiet stream moves the place of its reader past what it filters out', async (t) => {
  const ground = await Ground.start(t);
  await ground.write('web', 'one');
  const stream = await ground.stream('?tail=0&grep=needle');
  await stream.next();
  const next = stream.next();
  await ground.write('web', 'two', 'three');
  for (let i = 0; i < 20; i++) await ground.tidegate.clock.advance(1000);
  assert.deepEqual(await next, { comment: 'quiet', id: 'web:3' });
  await stream.cancel();
});
