/** Events as a list and as a stream. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import test, { type TestContext } from 'node:test';
import type { EventDraft } from '#core/event';
import { StreamReader } from './stream-reader.ts';
import { type Json, Tidegate } from './tidegate.ts';

function record(tidegate: Tidegate, cause: string, changes: Partial<EventDraft> = {}): string {
  tidegate.ports.record({ type: 'set.awake', tenant: 'default', app: 'shop', set: 'web', cause, ...changes });
  return tidegate.events.read(tidegate.events.end - 1, 1).events[0]?.id ?? '';
}

/** Opens a stream; it is cancelled when the test is over. */
async function follow(
  t: TestContext,
  tidegate: Tidegate,
  query = '',
  headers: Record<string, string> = {},
): Promise<StreamReader> {
  const response = await tidegate.ask(`/v1/events${query}`, { headers: { accept: 'text/event-stream', ...headers } });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  const reader = new StreamReader(response);
  t.after(() => reader.cancel());
  return reader;
}

function causes(json: Json): unknown[] {
  return json.each('items', 'cause');
}

test('events are listed newest first, in the shape of the contract', async () => {
  const tidegate = await Tidegate.start();
  record(tidegate, 'first');
  record(tidegate, 'second', { replica: 'local/a', correlationId: 'wake_1', data: { wakeMs: 3 } });
  const { json } = await tidegate.json('/v1/events');
  assert.deepEqual(causes(json), ['second', 'first']);
  assert.match(String(json.at('items.0.id')), /^evt_/);
  assert.deepEqual(
    { ...Object(json.at('items.0')), id: '' },
    {
      id: '',
      at: '2026-01-01T00:00:00.000Z',
      type: 'set.awake',
      tenant: 'default',
      app: 'shop',
      set: 'web',
      replica: 'local/a',
      host: null,
      cause: 'second',
      correlation_id: 'wake_1',
      data: { wakeMs: 3 },
    },
  );
});

test('events come in pages that stay in place while new ones happen', async () => {
  const tidegate = await Tidegate.start();
  for (const cause of 'abcde') record(tidegate, cause);
  const first = await tidegate.json('/v1/events?limit=2');
  record(tidegate, 'new');
  const second = await tidegate.json(`/v1/events?limit=2&cursor=${String(first.json.at('next_cursor'))}`);
  const third = await tidegate.json(`/v1/events?limit=2&cursor=${String(second.json.at('next_cursor'))}`);
  assert.deepEqual([causes(first.json), causes(second.json), causes(third.json)], [['e', 'd'], ['c', 'b'], ['a']]);
  assert.equal(third.json.at('next_cursor'), null);
});

test('events are filtered by types, app and set', async () => {
  const tidegate = await Tidegate.start();
  record(tidegate, 'a');
  record(tidegate, 'b', { type: 'set.frozen', set: 'db' });
  record(tidegate, 'c', { type: 'container.died', app: 'blog' });
  const list = async (query: string): Promise<unknown[]> => causes((await tidegate.json(`/v1/events?${query}`)).json);
  assert.deepEqual(await list('type=set.frozen'), ['b']);
  assert.deepEqual(await list('type=set.awake,%20container.died'), ['c', 'a']);
  assert.deepEqual(await list('app=shop'), ['b', 'a']);
  assert.deepEqual(await list('app=shop&set=db'), ['b']);
  assert.deepEqual(await list('app=nobody'), []);
});

test('an unknown type is refused and names the nearest', async () => {
  const tidegate = await Tidegate.start();
  const { status, json } = await tidegate.json('/v1/events?type=set.awake,set.frosen');
  assert.deepEqual([status, json.at('errors.0.pointer')], [422, '/type']);
  assert.match(String(json.at('detail')), /Did you mean "set\.frozen"\?/);
  for (const type of ['toString', 'constructor', '']) {
    assert.equal((await tidegate.ask(`/v1/events?type=${type}`)).status, 422, type);
  }
});

test('a stream tells what happens from now on, each event with its id', async (t) => {
  const tidegate = await Tidegate.start();
  record(tidegate, 'before');
  const stream = await follow(t, tidegate);
  assert.deepEqual(await stream.next(), { retry: '2000' });
  const id = record(tidegate, 'after');
  const message = await stream.next();
  assert.equal(message.id, id);
  assert.equal(message.event, undefined);
  assert.deepEqual(JSON.parse(message.data ?? ''), (await tidegate.json('/v1/events?limit=1')).json.at('items.0'));
});

test('a stream goes on after the event that was seen last', async (t) => {
  const tidegate = await Tidegate.start();
  const seen = record(tidegate, 'seen');
  record(tidegate, 'missed');
  const stream = await follow(t, tidegate, '', { 'last-event-id': seen });
  assert.deepEqual(await stream.causes(1), ['missed']);
  record(tidegate, 'new');
  assert.deepEqual(await stream.causes(1), ['new']);
});

test('a stream that resumes where events have been dropped begins with a gap', async (t) => {
  const tidegate = await Tidegate.start(3);
  const seen = record(tidegate, 'seen');
  for (const cause of 'abcd') record(tidegate, cause);
  const stream = await follow(t, tidegate, '', { 'last-event-id': seen });
  await stream.next();
  const gap = await stream.next();
  assert.deepEqual([gap.event, gap.id], ['gap', undefined]);
  const next = await stream.next();
  assert.deepEqual(JSON.parse(gap.data ?? ''), { next: next.id });
  assert.equal(JSON.parse(next.data ?? '').cause, 'b');
  assert.deepEqual(await stream.causes(2), ['c', 'd']);
});

test('a stream that resumes after an unknown event begins with a gap', async (t) => {
  const tidegate = await Tidegate.start();
  record(tidegate, 'a');
  const stream = await follow(t, tidegate, '', { 'last-event-id': 'evt_unknown' });
  await stream.next();
  assert.equal((await stream.next()).event, 'gap');
});

test('a reader that is slower than the ring turns is told of the gap', async (t) => {
  const tidegate = await Tidegate.start(3);
  const stream = await follow(t, tidegate);
  await stream.next();
  for (const cause of 'abcdefgh') record(tidegate, cause);
  assert.equal((await stream.next()).event, 'gap');
  assert.deepEqual(await stream.causes(3), ['f', 'g', 'h']);
});

test('a stream is filtered as a list is', async (t) => {
  const tidegate = await Tidegate.start();
  const stream = await follow(t, tidegate, '?type=set.frozen&app=shop');
  await stream.next();
  record(tidegate, 'other type');
  record(tidegate, 'other app', { type: 'set.frozen', app: 'blog' });
  record(tidegate, 'other tenant', { type: 'set.frozen', tenant: 'acme' });
  record(tidegate, 'this', { type: 'set.frozen' });
  assert.deepEqual(await stream.causes(1), ['this']);
});

test('a quiet stream is kept alive, and its client told how far it has come', async (t) => {
  const tidegate = await Tidegate.start();
  const stream = await follow(t, tidegate, '?type=set.frozen');
  await stream.next();
  const id = record(tidegate, 'filtered out');
  const quiet = stream.next();
  await tidegate.clock.advance(15_000);
  assert.deepEqual(await quiet, { comment: 'quiet', id });
  const resumed = await follow(t, tidegate, '', { 'last-event-id': id });
  await resumed.next();
  record(tidegate, 'x');
  assert.deepEqual(await resumed.causes(1), ['x']);
});

test('a client that leaves leaves nothing behind', async () => {
  const tidegate = await Tidegate.start();
  const response = await tidegate.ask('/v1/events', { headers: { accept: 'text/event-stream' } });
  const stream = new StreamReader(response);
  await stream.next();
  const waiting = stream.next();
  await tidegate.clock.advance(0);
  assert.equal(tidegate.clock.pendingCount, 1, 'it waits, with a timer to keep the stream alive');
  assert.equal(getEventListeners(tidegate.closing.signal, 'abort').length, 1);
  await stream.cancel();
  await waiting.catch(() => {});
  await tidegate.clock.advance(0);
  assert.equal(tidegate.clock.pendingCount, 0);
  assert.equal(getEventListeners(tidegate.closing.signal, 'abort').length, 0);
});

test('a stream that nobody reads, as after HEAD, waits for nothing', async () => {
  const tidegate = await Tidegate.start();
  await tidegate.ask('/v1/events', { method: 'HEAD', headers: { accept: 'text/event-stream' } });
  await tidegate.clock.advance(0);
  assert.equal(tidegate.clock.pendingCount, 0);
});

test('a stream ends when the listener closes', async (t) => {
  const tidegate = await Tidegate.start();
  const stream = await follow(t, tidegate);
  await stream.next();
  const end = stream.ended();
  tidegate.closing.abort();
  assert.equal(await end, true);
  assert.equal(tidegate.clock.pendingCount, 0);
  assert.equal(await (await follow(t, tidegate)).ended(), true, 'and one that comes later ends at once');
});

test('an app has events of its own, also when it is gone', async () => {
  const tidegate = await Tidegate.start();
  tidegate.events.record({ type: 'set.waking', tenant: 'default', app: 'shop', set: 'web', cause: 'one' });
  tidegate.events.record({ type: 'set.waking', tenant: 'default', app: 'other', set: 'web', cause: 'two' });
  tidegate.events.record({ type: 'set.waking', tenant: 'acme', app: 'theirs', set: 'web', cause: 'three' });
  const { json } = await tidegate.json('/v1/apps/shop/events?type=set.waking');
  assert.deepEqual(json.each('items', 'cause'), ['one']);
  assert.equal((await tidegate.ask('/v1/apps/theirs/events')).status, 404);
});
