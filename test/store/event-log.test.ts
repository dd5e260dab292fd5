/** The event log: order, gaps, waiting readers, and saving behind. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import test from 'node:test';
import { TidegateError } from '#core/errors';
import type { Event, EventDraft } from '#core/event';
import { silentLog } from '#core/log';
import { EventLog } from '#store/event-log';
import { seeded } from '#test/router/sample';
import { FakeClock } from '#test/support/fake-clock';

class Memory {
  readonly saved: Event[] = [];
  batches = 0;
  broken = false;

  async appendEvents(events: readonly Event[]): Promise<void> {
    if (this.broken) throw new TidegateError('store.failed', 'disk full');
    this.batches++;
    this.saved.push(...events);
  }

  async lastEvents(limit: number): Promise<readonly Event[]> {
    return this.saved.slice(-limit);
  }
}

function draft(cause: string, changes: Partial<EventDraft> = {}): EventDraft {
  return { type: 'set.awake', tenant: 'default', app: 'shop', set: 'web', cause, ...changes };
}

async function openLog(
  store: Memory,
  clock = new FakeClock(),
  capacity = 5,
  warnings: string[] = [],
): Promise<EventLog> {
  const chance = seeded(clock.wall());
  const log = { ...silentLog, warn: (message: string) => void warnings.push(message) };
  const random = (size: number): Uint8Array => Uint8Array.from({ length: size }, () => Math.floor(chance() * 256));
  return EventLog.open({ store, clock, random, log, capacity });
}

function causes(events: readonly Event[]): string[] {
  return events.map((one) => one.cause);
}

const all = (): boolean => true;

test('an event has an id, a time, and null for what does not apply', async () => {
  const log = await openLog(new Memory());
  log.record({ type: 'host.degraded', host: 'local', cause: 'timed out' });
  const [event] = log.read(0, 10).events;
  assert.match(event?.id ?? '', /^evt_[0-9A-Z]{26}$/);
  assert.deepEqual(
    { ...event, id: '' },
    {
      id: '',
      at: '2026-01-01T00:00:00.000Z',
      type: 'host.degraded',
      tenant: null,
      app: null,
      set: null,
      replica: null,
      host: 'local',
      cause: 'timed out',
      data: {},
      correlationId: null,
    },
  );
});

test('an event keeps the facts as they were, whatever they were', async () => {
  const log = await openLog(new Memory());
  const data: Record<string, unknown> = { count: 1, when: new Date(0) };
  log.record(draft('a', { data }));
  data.count = 2;
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  log.record(draft('b', { data: circle }));
  const { events } = log.read(0, 10);
  assert.deepEqual(events[0]?.data, { count: 1, when: '1970-01-01T00:00:00.000Z' });
  assert.deepEqual(events[1]?.data, { unwritable: ['self'] });
});

test('ids grow within a millisecond, when the clock is set back, and over a restart', async () => {
  const memory = new Memory();
  const later = new FakeClock(2_000_000);
  const log = await openLog(memory, later, 100);
  for (let i = 0; i < 50; i++) log.record(draft('same millisecond'));
  await log.close();
  const earlier = await openLog(memory, new FakeClock(1_000_000), 100);
  for (let i = 0; i < 20; i++) earlier.record(draft('clock set back'));
  const ids = earlier.read(0, 100).events.map((one) => one.id);
  assert.equal(ids.length, 70);
  assert.deepEqual([...new Set(ids)].sort(), ids);
});

test('events are read oldest first from any position, in slices', async () => {
  const log = await openLog(new Memory());
  for (const cause of ['a', 'b', 'c']) log.record(draft(cause));
  const first = log.read(0, 2);
  assert.deepEqual([causes(first.events), first.next, first.gap], [['a', 'b'], 2, false]);
  const rest = log.read(first.next, 2);
  assert.deepEqual([causes(rest.events), rest.next, rest.gap], [['c'], 3, false]);
  assert.deepEqual(log.read(3, 2), { events: [], next: 3, gap: false });
  assert.equal(log.end, 3);
});

test('a reader that was overtaken is told of the gap and goes on with the oldest event there is', async () => {
  const log = await openLog(new Memory());
  for (const cause of 'abcdefg') log.record(draft(cause));
  const slice = log.read(1, 3);
  assert.deepEqual([causes(slice.events), slice.next, slice.gap], [['c', 'd', 'e'], 5, true]);
  assert.equal(log.read(2, 1).gap, false);
});

test('a reader goes on after the event it saw last, and is told when what followed may be gone', async () => {
  const clock = new FakeClock();
  const log = await openLog(new Memory(), clock);
  const ids: string[] = [];
  for (const cause of 'abcdefg') {
    log.record(draft(cause));
    ids.push(log.read(log.end - 1, 1).events[0]?.id ?? '');
    await clock.advance(1);
  }
  assert.deepEqual(log.resume(ids[6] ?? ''), { position: 7, gap: false });
  assert.deepEqual(log.resume(ids[3] ?? ''), { position: 4, gap: false });
  assert.deepEqual(log.resume(ids[0] ?? ''), { position: 2, gap: true });
  assert.deepEqual(log.resume(''), { position: 2, gap: true });
  assert.deepEqual(log.resume('evt_ZZZZZZZZZZZZZZZZZZZZZZZZZZ'), { position: 7, gap: true });
});

test('older events are listed newest first, filtered, page by page', async () => {
  const log = await openLog(new Memory(), new FakeClock(), 10);
  for (const cause of 'abcdef') log.record(draft(cause, { set: cause < 'd' ? 'web' : 'db' }));
  const first = log.older(null, 2, all);
  assert.deepEqual(causes(first), ['f', 'e']);
  const second = log.older(first.at(-1)?.id ?? null, 2, all);
  assert.deepEqual(causes(second), ['d', 'c']);
  assert.deepEqual(causes(log.older(null, 10, (event) => event.set === 'web')), ['c', 'b', 'a']);
  assert.deepEqual(log.older(log.read(0, 1).events[0]?.id ?? null, 10, all), []);
});

test('a reader that waits is woken by the next event, or when it gives up', async () => {
  const log = await openLog(new Memory());
  const stop = new AbortController();
  let woken = 0;
  const waits = [log.arrived(0, stop.signal), log.arrived(0, stop.signal), log.arrived(1, stop.signal)];
  for (const wait of waits) void wait.then(() => woken++);
  log.record(draft('a'));
  await waits[0];
  await waits[1];
  await log.arrived(0, stop.signal);
  assert.equal(getEventListeners(stop.signal, 'abort').length, 1, 'who was woken lets go of the signal');
  stop.abort();
  await waits[2];
  assert.equal(woken, 3);
  assert.equal(getEventListeners(stop.signal, 'abort').length, 0);
});

test('events are saved together, some 200 ms after they happened', async () => {
  const memory = new Memory();
  const clock = new FakeClock();
  const log = await openLog(memory, clock);
  log.record(draft('a'));
  await clock.advance(150);
  log.record(draft('b'));
  assert.deepEqual(memory.saved, []);
  await clock.advance(50);
  assert.deepEqual(causes(memory.saved), ['a', 'b']);
  assert.equal(memory.batches, 1);
  await clock.advance(1000);
  assert.equal(memory.batches, 1, 'nothing new, nothing saved');
  log.record(draft('c'));
  await clock.advance(200);
  assert.deepEqual(causes(memory.saved), ['a', 'b', 'c']);
});

test('a closing log saves the rest, wakes who waits, and leaves no timer behind', async () => {
  const memory = new Memory();
  const clock = new FakeClock();
  const log = await openLog(memory, clock);
  const waiting = log.arrived(1, new AbortController().signal);
  log.record(draft('a'));
  await log.close();
  await waiting;
  log.record(draft('too late'));
  assert.deepEqual(causes(memory.saved), ['a']);
  assert.equal(clock.pendingCount, 0);
});

test('a log goes on where the store ended', async () => {
  const memory = new Memory();
  const first = await openLog(memory);
  for (const cause of 'abcdefg') first.record(draft(cause));
  await first.close();
  const second = await openLog(memory);
  assert.deepEqual(causes(second.read(0, 10).events), ['c', 'd', 'e', 'f', 'g']);
  second.record(draft('h'));
  await second.close();
  assert.equal(causes(memory.saved).at(-1), 'h');
});

test('what cannot be saved is reported once and saved when that works again', async () => {
  const memory = new Memory();
  const clock = new FakeClock();
  const warnings: string[] = [];
  const log = await openLog(memory, clock, 5, warnings);
  memory.broken = true;
  log.record(draft('a'));
  await clock.advance(200);
  log.record(draft('b'));
  await clock.advance(12_000);
  assert.equal(warnings.length, 1);
  assert.deepEqual(causes(log.read(0, 10).events), ['a', 'b']);
  memory.broken = false;
  await clock.advance(5000);
  assert.deepEqual(causes(memory.saved), ['a', 'b']);
  await log.close();
});

test('events that were recorded while others were being saved are saved next', async () => {
  const memory = new Memory();
  const clock = new FakeClock();
  let letGo = (): void => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const append = memory.appendEvents.bind(memory);
  memory.appendEvents = async (events) => {
    await held;
    await append(events);
  };
  const log = await openLog(memory, clock);
  log.record(draft('a'));
  await clock.advance(200);
  log.record(draft('b'));
  await clock.advance(200);
  letGo();
  await clock.advance(200);
  assert.deepEqual(causes(memory.saved), ['a', 'b']);
  await log.close();
  assert.deepEqual(causes(memory.saved), ['a', 'b']);
});
