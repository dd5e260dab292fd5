/**
 * Sends metrics to where they are wanted, every ten seconds. A place that is down costs one try each time: nothing is kept
 * for it (counters say later what was missed), and an outage is one line in the log when it begins and one when it ends.
 */
import type { Clock, Timer } from '#core/clock';
import { messageOf } from '#core/errors';
import type { Log } from '#core/log';
import type { MetricFamily } from '../ports.ts';
import type { MetricPicture, MetricSink } from './sink.ts';

const EVERY_MS = 10_000;
const DEADLINE_MS = 5000;

export interface MetricSinksOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly sinks: readonly MetricSink[];
  /** Everything that `/metrics` shows. */
  readonly collect: () => Promise<Iterable<MetricFamily>>;
}

interface Kept {
  readonly sink: MetricSink;
  sent: number;
  failed: number;
  refused: number;
  /** In a row. */
  missed: number;
  isBusy: boolean;
}

export class MetricSinks {
  readonly #options: MetricSinksOptions;
  readonly #kept: readonly Kept[];
  readonly #closing = new AbortController();
  #timer: Timer | null = null;

  constructor(options: MetricSinksOptions) {
    this.#options = options;
    this.#kept = options.sinks.map((sink) => ({ sink, sent: 0, failed: 0, refused: 0, missed: 0, isBusy: false }));
    if (this.#kept.length > 0) this.#goOn();
  }

  /** How it goes; nothing without a sink. */
  families(): MetricFamily[] {
    if (this.#kept.length === 0) return [];
    return [
      {
        name: 'tidegate_sink_sends_total',
        type: 'counter',
        help: 'Times that metrics were sent to a sink, by outcome.',
        samples: this.#kept.flatMap(({ sink, sent, failed }) => [
          { labels: { sink: sink.name, outcome: 'sent' }, value: sent },
          { labels: { sink: sink.name, outcome: 'failed' }, value: failed },
        ]),
      },
      {
        name: 'tidegate_sink_refused_total',
        type: 'counter',
        help: 'Figures that a sink did not take.',
        samples: this.#kept.map(({ sink, refused }) => ({ labels: { sink: sink.name }, value: refused })),
      },
    ];
  }

  close(): void {
    this.#timer?.cancel();
    this.#closing.abort(new Error('Tidegate is ending'));
  }

  #goOn(): void {
    this.#timer = this.#options.clock.after(EVERY_MS, () => {
      this.#goOn();
      void this.#round();
    });
  }

  async #round(): Promise<void> {
    // What is still being sent is not overtaken.
    const free = this.#kept.filter(({ isBusy }) => !isBusy);
    if (free.length === 0) return;
    for (const one of free) one.isBusy = true;
    const { clock, collect } = this.#options;
    const picture = collect().then((families) => ({
      at: clock.wall(),
      families: Array.from(families, (family) => ({ ...family, samples: [...family.samples] })),
    }));
    await Promise.all(free.map((one) => this.#send(one, picture)));
  }

  async #send(kept: Kept, picture: Promise<MetricPicture>): Promise<void> {
    const late = new AbortController();
    const timer = this.#options.clock.after(DEADLINE_MS, () => {
      late.abort(new Error(`it took longer than ${DEADLINE_MS / 1000} s`));
    });
    try {
      const signal = AbortSignal.any([late.signal, this.#closing.signal]);
      const { refused } = await kept.sink.send(await picture, signal);
      kept.sent++;
      kept.refused += refused;
      this.#well(kept);
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#failed(kept, error);
    } finally {
      timer.cancel();
      kept.isBusy = false;
    }
  }

  #well(kept: Kept): void {
    if (kept.missed > 0) {
      this.#options.log.info('metrics are sent again', { sink: kept.sink.name, missed: kept.missed });
    }
    kept.missed = 0;
  }

  #failed(kept: Kept, error: unknown): void {
    kept.failed++;
    if (kept.missed++ > 0) return;
    this.#options.log.warn('metrics cannot be sent; it is tried again every 10 s', {
      sink: kept.sink.name,
      cause: messageOf(error),
    });
  }
}
