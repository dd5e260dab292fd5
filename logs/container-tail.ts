/**
 * The output of one container into the log of its set, run after run, for as long as the container is there. Breaks of the
 * Engine cost nothing: the output is taken up where it was left. A container that writes faster than what is fair is
 * slowed down here, in the Engine's own file, and after a while what it wrote too much is left out and a gap stands there.
 */
import { type Clock, pause } from '#core/clock';
import { isTidegateError, messageOf } from '#core/errors';
import type { Log } from '#core/log';
import type { LogEngine } from '#docker/logs';
import { type LogDraft, type LogSource, stampOf } from './log-line.ts';
import { Pace } from './pace.ts';
import type { SetLog } from './set-log.ts';

const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 10_000;
const BYTES_PER_SECOND = 1_048_576;
/** What may come at once: the backlog after a restart of Tidegate. */
const BURST_BYTES = 16_777_216;
/** One that was slowed down for this long, and lags by as much, has its backlog left out. */
const PATIENCE_MS = 30_000;
/** A full disk is tried again. */
const WRITE_AGAIN_MS = 5000;
/** What a container that is gone may still say. */
const LAST_WORDS_MS = 10_000;
const NOT_IMPLEMENTED = 501;
/** Of a container that is seen for the first time, and may have written for months. */
const FIRST_LINES = 10_000;

export interface ContainerTailOptions {
  readonly engine: LogEngine;
  readonly source: LogSource;
  readonly setLog: () => Promise<SetLog>;
  /** Shared by all: what they may take together. */
  readonly common: Pace;
  readonly clock: Clock;
  readonly log: Log;
}

export class ContainerTail {
  readonly #options: ContainerTailOptions;
  readonly #pace: Pace;
  readonly #ended = new AbortController();
  readonly #done: Promise<void>;
  /** Ends the stream that stands, which may be silent for ever. */
  #cut = new AbortController();
  #hurry = new AbortController();
  /** Start of the run that there is, or was; null: it never ran. */
  #run: string | null = null;
  #isUp = false;
  #isGone = false;
  #changed = Promise.withResolvers<void>();
  #slowSince: number | null = null;

  constructor(options: ContainerTailOptions) {
    this.#options = options;
    const { clock } = options;
    this.#pace = new Pace({ bytesPerSecond: BYTES_PER_SECOND, burstBytes: BURST_BYTES, clock });
    this.#done = this.#follow();
  }

  /** @param run the Engine's text of its last start; null: it never ran */
  update(run: string | null, isUp: boolean): void {
    if (run === this.#run && isUp === this.#isUp) return;
    this.#run = run;
    this.#isUp = isUp;
    this.#wake();
  }

  /** The container is gone: what it said last is read, and that is all. */
  async finish(): Promise<void> {
    this.#isGone = true;
    this.#wake();
    this.#hurry.abort();
    const timer = this.#options.clock.after(LAST_WORDS_MS, () => this.#ended.abort());
    await this.#done;
    timer.cancel();
    (await this.#options.setLog()).release(this.#options.source.container);
  }

  /** Ends at once; it can be taken up again. */
  async close(): Promise<void> {
    this.#ended.abort();
    this.#wake();
    await this.#done;
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async #follow(): Promise<void> {
    const { engine, clock } = this.#options;
    const { signal } = this.#ended;
    // A silent Engine breaks no stream.
    const forget = engine.onState((state, cause) => {
      if (state === 'reachable') this.#hurry.abort();
      else this.#cut.abort(new Error(cause));
    });
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      const { promise: changed } = this.#changed;
      const run = this.#run;
      if (run !== null) {
        const outcome = await this.#readOnce();
        if (signal.aborted || this.#isGone) break;
        if (outcome === 'more') continue;
        if (outcome === 'failed' || (this.#isUp && run === this.#run)) {
          this.#hurry = new AbortController();
          const hurry = AbortSignal.any([signal, this.#hurry.signal]);
          if ((await pause(clock, retryMs, hurry)) === 'elapsed') retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
          if (outcome === 'failed' || (this.#isUp && run === this.#run)) continue;
        }
        retryMs = FIRST_RETRY_MS;
        if (run !== this.#run) continue;
      }
      if (this.#isGone) break;
      await changed;
    }
    forget();
  }

  /**
   * Reads until the stream ends. `end`: the container has ended, or its output cannot be read; `more`: a backlog was left
   * out.
   */
  async #readOnce(): Promise<'end' | 'failed' | 'more'> {
    const { engine, source, log } = this.#options;
    this.#cut = new AbortController();
    const signal = AbortSignal.any([this.#ended.signal, this.#cut.signal]);
    try {
      const setLog = await this.#options.setLog();
      setLog.claim(source.container);
      const window = setLog.windowOf(source.container);
      const { since } = window;
      const isNew = window.replay();
      const from = since === null ? { since, tail: FIRST_LINES } : { since };
      const batches = await engine.logs(source.container, { ...from, follow: true, signal });
      for await (const { lines, bytes } of batches) {
        if (this.#ended.signal.aborted) return 'end';
        const fresh = lines.filter(isNew);
        await this.#keep(setLog, fresh);
        if (await this.#isHopeless(bytes, fresh, signal)) {
          const now = stampOf(this.#options.clock.wall());
          const text = `the container wrote faster than its lines can be kept: those up to ${now} are left out`;
          await this.#keep(setLog, [{ stream: 'gap', at: now, text, cut: false }]);
          setLog.windowOf(source.container).skipTo(now);
          return 'more';
        }
      }
      return 'end';
    } catch (error) {
      if (this.#ended.signal.aborted || isTidegateError(error, 'engine.not_found')) return 'end';
      if (isTidegateError(error, 'engine.refused') && error.detail.status === NOT_IMPLEMENTED) {
        log.warn('the output of a container cannot be kept: its log driver cannot be read', { ...source });
        return 'end';
      }
      log.debug('the output of a container broke off', { container: source.container, cause: messageOf(error) });
      return 'failed';
    } finally {
      this.#cut.abort();
    }
  }

  async #keep(setLog: SetLog, lines: readonly LogDraft[]): Promise<void> {
    const { source, clock, log } = this.#options;
    for (let isFirst = true; lines.length > 0; isFirst = false) {
      try {
        await setLog.append(source, lines);
        return;
      } catch (error) {
        if (isFirst) log.error('output of containers cannot be kept', { container: source.container, error });
        if ((await pause(clock, WRITE_AGAIN_MS, this.#ended.signal)) === 'aborted') return;
      }
    }
  }

  /** Waits until more may be read. @returns whether what is behind can never be caught up with */
  async #isHopeless(bytes: number, lines: readonly LogDraft[], signal: AbortSignal): Promise<boolean> {
    const { clock, common } = this.#options;
    const own = this.#pace.take(bytes);
    const shared = common.take(bytes);
    const waitMs = Math.max(own, this.#pace.isBusy ? shared : 0);
    if (waitMs === 0) {
      if (!this.#pace.isBusy) this.#slowSince = null;
      return false;
    }
    this.#slowSince ??= clock.now();
    await pause(clock, waitMs, signal);
    const last = lines.at(-1);
    const lagMs = last === undefined ? 0 : clock.wall() - Date.parse(last.at);
    if (clock.now() - this.#slowSince < PATIENCE_MS || lagMs < PATIENCE_MS) return false;
    this.#slowSince = null;
    return true;
  }
}
