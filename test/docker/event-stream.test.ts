/** The stream of events: opened again, resumed, and told of once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTidegateError } from '#core/errors';
import { silentLog } from '#core/log';
import type { EngineState, EventFollower } from '#docker/engine';
import { EventStream } from '#docker/event-stream';
import { FakeClock } from '#test/support/fake-clock';
import { eventLine } from './fake-engine.ts';

/** A stream of events in the hands of the test. */
class Pipe implements AsyncIterable<string> {
  readonly since: number | null;
  readonly signal: AbortSignal;
  readonly #said: string[] = [];
  #wake = Promise.withResolvers<void>();
  #end: Error | 'clean' | null = null;

  constructor(since: number | null, signal: AbortSignal) {
    this.since = since;
    this.signal = signal;
    signal.addEventListener('abort', () => this.end(new Error('aborted')));
  }

  say(text: string): void {
    this.#said.push(text);
    this.#wake.resolve();
  }

  end(how: Error | 'clean'): void {
    this.#end ??= how;
    this.#wake.resolve();
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      for (let text = this.#said.shift(); text !== undefined; text = this.#said.shift()) yield text;
      if (this.#end === 'clean') return;
      if (this.#end !== null) throw this.#end;
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
  }
}

function setUp(follower: Partial<EventFollower> = {}, failure: Error | null = null) {
  const clock = new FakeClock();
  const told: string[] = [];
  const pipes: Pipe[] = [];
  const tries: number[] = [];
  const stopped = new AbortController();
  let listener: (state: EngineState, cause: string) => void = () => {};
  const set = {
    clock,
    told,
    pipes,
    tries,
    stopped,
    /** What opening comes to; null: a stream. */
    failure,
    state: (state: EngineState) => listener(state, 'the test says so'),
    listens: () => listener !== none,
    get pipe(): Pipe {
      const last = pipes.at(-1);
      assert.ok(last !== undefined, 'no stream was opened');
      return last;
    },
    run: Promise.resolve(),
  };
  const stream = new EventStream(
    {
      open: (since, signal) => {
        tries.push(clock.now());
        if (set.failure !== null) return Promise.reject(set.failure);
        const pipe = new Pipe(since, signal);
        pipes.push(pipe);
        return Promise.resolve(pipe);
      },
      onState: (one) => {
        listener = one;
        return () => {
          listener = none;
        };
      },
      clock,
      log: silentLog,
    },
    {
      onConnected: () => void told.push('connected'),
      onEvent: (event) => void told.push(`${event.action} ${event.containerId}`),
      onLost: (error) => void told.push(isTidegateError(error, 'engine.unreachable') ? 'lost' : `lost: ${error}`),
      ...follower,
    },
    stopped.signal,
  );
  set.run = stream.run();
  return set;
}

const none = (): void => {};

function line(action: string, id: string, at: number): string {
  return `${eventLine({ action, id, at })}\n`;
}

test('events come in order, after the stream was said to stand', async () => {
  const set = setUp();
  await set.clock.advance(0);
  set.pipe.say(line('start', 'a', 1000) + line('die', 'a', 2000));
  await set.clock.advance(0);
  assert.deepEqual(set.told, ['connected', 'start a', 'die a']);
  assert.equal(set.pipe.since, null);
});

test('garbage costs its own line alone', async () => {
  const set = setUp();
  await set.clock.advance(0);
  set.pipe.say(`${line('start', 'a', 1000)}<html>oops</html>\n{"Type":"contai\n${line('die', 'a', 2000)}`);
  await set.clock.advance(0);
  assert.deepEqual(set.told, ['connected', 'start a', 'die a']);
});

test('a stream cut in the middle of a line is resumed, and no event comes twice or is lost', async () => {
  const set = setUp();
  await set.clock.advance(0);
  const lost = line('die', 'a', 5500);
  set.pipe.say(line('start', 'a', 5000) + lost.slice(0, 40));
  await set.clock.advance(0);
  set.pipe.end(new Error('socket hang up'));
  await set.clock.advance(100);
  assert.equal(set.pipes.length, 2);
  assert.equal(set.pipe.since, 4);
  set.pipe.say(line('start', 'a', 5000) + lost);
  await set.clock.advance(0);
  assert.deepEqual(set.told, ['connected', 'start a', 'lost', 'connected', 'die a']);
});

test('a stream that the Engine ends is lost too', async () => {
  const set = setUp();
  await set.clock.advance(0);
  set.pipe.end('clean');
  await set.clock.advance(0);
  assert.deepEqual(set.told, ['connected', 'lost']);
});

test('while it cannot be opened it is tried at growing distances, and said to be lost once', async () => {
  const set = setUp();
  set.failure = new Error('connect ECONNREFUSED');
  await set.clock.advance(0);
  set.pipe.end(new Error('gone'));
  await set.clock.advance(10_000);
  assert.deepEqual(set.tries, [0, 100, 300, 700, 1500, 3100, 5100, 7100, 9100]);
  assert.deepEqual(set.told, ['connected', 'lost']);
});

test('one that cannot be opened the first time is said to be lost as well, once', async () => {
  const set = setUp({}, new Error('connect ENOENT'));
  await set.clock.advance(1000);
  assert.deepEqual(set.tries, [0, 100, 300, 700]);
  assert.deepEqual(set.told, ['lost']);
  set.failure = null;
  await set.clock.advance(1000);
  assert.deepEqual(set.told, ['lost', 'connected']);
});

test('a stream that breaks at once again and again is not hammered', async () => {
  const set = setUp();
  for (let i = 0; i < 4; i++) {
    await set.clock.advance(i === 0 ? 0 : 100 * 2 ** (i - 1));
    set.pipe.end('clean');
  }
  assert.deepEqual(set.tries, [0, 100, 300, 700]);
});

test('after a sound stream the first retry is quick again', async () => {
  const set = setUp();
  await set.clock.advance(0);
  set.pipe.end('clean');
  await set.clock.advance(100);
  set.pipe.end('clean');
  await set.clock.advance(200);
  await set.clock.advance(60_000);
  set.pipe.end('clean');
  await set.clock.advance(100);
  assert.deepEqual(set.tries, [0, 100, 300, 60_400]);
});

test('an Engine that falls silent loses its stream, and gets a new one the moment it answers', async () => {
  const set = setUp();
  await set.clock.advance(0);
  set.pipe.say(line('start', 'a', 5000));
  await set.clock.advance(3000);
  set.failure = new Error('held back');
  set.state('degraded');
  await set.clock.advance(10_000);
  assert.equal(set.pipe.signal.aborted, true);
  assert.deepEqual(set.told, ['connected', 'start a', 'lost']);
  set.failure = null;
  const before = set.clock.now();
  set.state('reachable');
  await set.clock.advance(0);
  assert.equal(set.tries.at(-1), before);
  assert.equal(set.pipe.since, 4);
  assert.deepEqual(set.told, ['connected', 'start a', 'lost', 'connected']);
});

test('a follower that throws still gets what comes after', async () => {
  const seen: string[] = [];
  const set = setUp({
    onEvent: (event) => {
      seen.push(event.action);
      throw new Error('the follower has a bug');
    },
  });
  await set.clock.advance(0);
  set.pipe.say(line('start', 'a', 1000) + line('die', 'a', 2000));
  await set.clock.advance(0);
  assert.deepEqual(seen, ['start', 'die']);
  assert.equal(set.pipes.length, 1);
});

test('it ends with its signal: stream, timers, and listening', async () => {
  const set = setUp();
  await set.clock.advance(0);
  set.stopped.abort();
  await set.run;
  assert.equal(set.pipe.signal.aborted, true);
  assert.equal(set.clock.pendingCount, 0);
  assert.equal(set.listens(), false);
  assert.deepEqual(set.told, ['connected']);
});

test('it ends with its signal between two tries', async () => {
  const set = setUp();
  await set.clock.advance(0);
  set.pipe.end('clean');
  await set.clock.advance(50);
  set.stopped.abort();
  await set.run;
  assert.equal(set.clock.pendingCount, 0);
  assert.deepEqual(set.tries, [0]);
});
