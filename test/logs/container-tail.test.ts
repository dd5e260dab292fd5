/** The output of one container, whatever its Engine, its disk and the container itself do. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { TidegateError } from '#core/errors';
import { silentLog } from '#core/log';
import type { EngineLogBatch, LogEngine, LogOptions } from '#docker/logs';
import { ContainerTail } from '#logs/container-tail';
import { type LogDraft, type LogLine, stampOf } from '#logs/log-line';
import { Pace } from '#logs/pace';
import { SetLog } from '#logs/set-log';
import { temporaryDirectory } from '#test/store/temporary';
import { FakeClock } from '#test/support/fake-clock';
import { until } from '#test/support/until';

const MIB = 1_048_576;
const SOURCE = { container: 'c1', replica: 'local/c1', name: 'web-1', member: null, revision: null };

/** An Engine that keeps what was written, and hands it out from there on until it is cut. */
class Daemon implements LogEngine {
  readonly host = 'local';
  readonly written: LogDraft[] = [];
  opened = 0;
  /** Thrown by the next calls. */
  fault: Error | null = null;
  /** Breaks streams that stand. */
  breakage = new AbortController();
  /** The container has ended: streams end with it. */
  ended = false;
  readonly #listeners = new Set<(state: 'reachable' | 'degraded', cause: string) => void>();
  readonly #arrivals = new Set<() => void>();

  write(...texts: string[]): void {
    for (const text of texts) {
      const at = stampOf(Date.UTC(2026, 0, 1) + this.written.length);
      this.written.push({ stream: 'stdout', at, text, cut: false });
    }
    for (const wake of this.#arrivals) wake();
  }

  end(): void {
    this.ended = true;
    for (const wake of this.#arrivals) wake();
  }

  state(state: 'reachable' | 'degraded'): void {
    for (const listener of this.#listeners) listener(state, 'it hangs');
  }

  onState(listener: (state: 'reachable' | 'degraded', cause: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async logs(_id: string, { since, signal }: LogOptions): Promise<AsyncIterable<EngineLogBatch>> {
    this.opened++;
    if (this.fault !== null) throw this.fault;
    const from = this.written.findIndex(({ at }) => since === null || at >= since);
    return this.#stream(from < 0 ? this.written.length : from, AbortSignal.any([signal, this.breakage.signal]));
  }

  async *#stream(from: number, signal: AbortSignal): AsyncGenerator<EngineLogBatch> {
    for (let next = from; ; ) {
      signal.throwIfAborted();
      const line = this.written[next];
      if (line !== undefined) {
        next++;
        yield { lines: [line as EngineLogBatch['lines'][number]], bytes: line.text.length };
        continue;
      }
      if (this.ended) return;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#arrivals.delete(wake);
          resolve();
        };
        this.#arrivals.add(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
    }
  }
}

async function ground(t: TestContext) {
  const directory = temporaryDirectory(t);
  const clock = new FakeClock();
  const daemon = new Daemon();
  const setLog = await SetLog.open(directory, 64 * MIB);
  const common = new Pace({ bytesPerSecond: 100 * MIB, burstBytes: 100 * MIB, clock });
  const tail = new ContainerTail({
    ...{ engine: daemon, source: SOURCE, setLog: async () => setLog, common, clock, log: silentLog },
  });
  t.after(async () => {
    await tail.close();
    await setLog.close();
  });
  const lines = async (): Promise<LogLine[]> => {
    const found: LogLine[] = [];
    for (let after = 0; after < setLog.end; ) {
      const slice = await setLog.read(after);
      found.push(...slice.lines);
      after = slice.next;
    }
    return found;
  };
  const texts = async (): Promise<string[]> => (await lines()).map(({ text }) => text);
  return { clock, daemon, tail, setLog, lines, texts };
}

test('a stream that breaks is taken up where it was left, also when the Engine refuses for a while', async (t) => {
  const { clock, daemon, tail, texts, setLog } = await ground(t);
  daemon.write('one', 'one', 'two');
  tail.update('run 1', true);
  await until(() => setLog.end === 3);
  daemon.fault = new TidegateError('engine.unreachable', 'nobody is there');
  daemon.breakage.abort(new Error('broken'));
  daemon.write('three');
  for (let i = 0; i < 5; i++) await clock.advance(10_000);
  assert.ok(daemon.opened > 3);
  daemon.fault = null;
  daemon.breakage = new AbortController();
  await clock.advance(10_000);
  await until(() => setLog.end === 4);
  assert.deepEqual(await texts(), ['one', 'one', 'two', 'three']);
});

test('an Engine that falls silent without a word is left, and asked again once it answers', async (t) => {
  const { daemon, tail, texts, setLog } = await ground(t);
  daemon.write('one');
  tail.update('run 1', true);
  await until(() => setLog.end === 1);
  daemon.fault = new TidegateError('engine.breaker_open', 'it hangs');
  daemon.state('degraded');
  await until(() => daemon.opened === 1);
  daemon.fault = null;
  daemon.write('two');
  await until(() => {
    daemon.state('reachable');
    return setLog.end === 2;
  });
  assert.deepEqual(await texts(), ['one', 'two']);
});

test('a container that ended is read again when it runs again, and left alone in between', async (t) => {
  const { clock, daemon, tail, texts, setLog } = await ground(t);
  daemon.write('first');
  daemon.ended = true;
  tail.update('run 1', false);
  await until(() => setLog.end === 1);
  await clock.advance(60_000);
  assert.equal(daemon.opened, 1);
  daemon.ended = false;
  daemon.write('second');
  tail.update('run 2', true);
  await until(() => setLog.end === 2);
  assert.deepEqual(await texts(), ['first', 'second']);
});

test('one that floods is slowed down, and after a while a gap stands for what it wrote too much', async (t) => {
  const { clock, daemon, tail, lines, setLog } = await ground(t);
  // 40 MiB at once, of which 16 may come at once and one a second.
  daemon.write(...Array.from({ length: 40 }, () => 'x'.repeat(MIB)));
  tail.update('run 1', true);
  await until(() => setLog.end === 17, { what: 'the burst is read' });
  await clock.advance(1000);
  await until(() => setLog.end === 18);
  // It writes on, as fast as it is read.
  for (let i = 0; i < 60 && !(await lines()).some(({ stream }) => stream === 'gap'); i++) {
    daemon.write('y'.repeat(2 * MIB));
    await clock.advance(2000);
  }
  const kept = await lines();
  const gap = kept.find(({ stream }) => stream === 'gap');
  assert.match(gap?.text ?? '', /faster than its lines can be kept/);
  assert.ok(kept.length < daemon.written.length, 'it is not all kept');
});

test('a container whose output cannot be read costs one question', async (t) => {
  const { clock, daemon, tail } = await ground(t);
  const detail = { status: 501, said: 'configured logging driver does not support reading' };
  daemon.fault = new TidegateError('engine.refused', 'logs', { detail });
  tail.update('run 1', false);
  await until(() => daemon.opened === 1);
  await clock.advance(600_000);
  assert.equal(daemon.opened, 1);
});

test('a container that is gone is read to its end, and forgotten', async (t) => {
  const { daemon, tail, texts, setLog } = await ground(t);
  daemon.write('last words');
  daemon.ended = true;
  tail.update('run 1', true);
  await until(() => setLog.end === 1);
  await tail.finish();
  assert.deepEqual(await texts(), ['last words']);
  assert.equal(setLog.isWrittenOn, false);
  assert.equal(setLog.windowOf(SOURCE.container).since, null);
});
