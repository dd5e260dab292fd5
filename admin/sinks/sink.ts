/** What a place that metrics are sent to has to be able to do. */
import type { MetricFamily, MetricSample } from '../ports.ts';

/** All of one moment; may be read more than once. */
export interface MetricPicture {
  /** Ms since the epoch. */
  readonly at: number;
  readonly families: readonly (MetricFamily & { readonly samples: readonly MetricSample[] })[];
}

export interface MetricSink {
  readonly name: string;
  /**
   * Resolves when it was handed over: with how many figures were refused.
   * @throws Error in words that hold no secret; also when the signal aborts
   */
  send(picture: MetricPicture, signal: AbortSignal): Promise<{ readonly refused: number }>;
}
