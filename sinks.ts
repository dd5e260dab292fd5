/** Where metrics are sent beside being there to be read, as the settings say. */
import { MetricSinks, type MetricSinksOptions } from '#admin/sinks/metric-sinks';
import { OtlpSink } from '#admin/sinks/otlp-sink';
import type { MetricSink } from '#admin/sinks/sink';
import { StatsdSink } from '#admin/sinks/statsd-sink';
import type { Config } from '#core/config';

export interface SinksOptions extends Omit<MetricSinksOptions, 'sinks'> {
  readonly config: Pick<Config, 'statsd' | 'otlp' | 'otlpHeaders'>;
  readonly version: string;
  /** Names this Tidegate. */
  readonly instance: string;
}

export function openSinks({ config, version, instance, ...options }: SinksOptions): MetricSinks {
  const { statsd, otlp: endpoint, otlpHeaders: headers } = config;
  const resource = { version, instance, since: options.clock.wall() };
  const sinks: MetricSink[] = [
    ...(statsd === null ? [] : [new StatsdSink(statsd)]),
    ...(endpoint === null ? [] : [new OtlpSink({ endpoint, headers, resource })]),
  ];
  return new MetricSinks({ ...options, sinks });
}
