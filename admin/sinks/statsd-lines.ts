/**
 * Metrics as lines of StatsD (github.com/statsd/statsd, docs/metric_types.md), with tags as DogStatsD writes them
 * (docs.datadoghq.com/developers/dogstatsd/datagram_shell). Counters are sent by what they grew since they were sent last.
 */
import type { MetricFamily, MetricSample } from '../ports.ts';
import type { MetricPicture } from './sink.ts';

/** What fits into one packet of Ethernet, with tunnels. */
const DATAGRAM_BYTES = 1432;
const DECIMALS = 6;

export interface StatsdShape {
  readonly prefix: string;
  readonly hasTags: boolean;
}

export class StatsdLines {
  readonly #shape: StatsdShape;
  /** Counters as they were sent last, by name and tags. */
  #before: ReadonlyMap<string, number> = new Map();
  /** As they are in the datagrams that were made last. */
  #now: ReadonlyMap<string, number> = new Map();

  constructor(shape: StatsdShape) {
    this.#shape = shape;
  }

  /** Lines, many to a datagram. What did not grow is not there. To be followed by {@link took} when they were sent. */
  datagrams({ families }: MetricPicture): string[] {
    const now = new Map<string, number>();
    const datagrams: string[] = [];
    let open = '';
    for (const family of families) {
      for (const sample of family.samples) {
        const line = this.#line(family, sample, now);
        if (line === null) continue;
        // All of it is ASCII.
        if (open !== '' && open.length + line.length + 1 > DATAGRAM_BYTES) {
          datagrams.push(open);
          open = '';
        }
        open += open === '' ? line : `\n${line}`;
      }
    }
    if (open !== '') datagrams.push(open);
    this.#now = now;
    return datagrams;
  }

  /** The datagrams that were made last were sent: what they told is not told again. */
  took(): void {
    this.#before = this.#now;
  }

  /** Null: there is nothing to say. Distributions are told by their sum and count. */
  #line({ name, type, isOlder }: MetricFamily, sample: MetricSample, now: Map<string, number>): string | null {
    const { suffix = '', labels = {}, value } = sample;
    if (suffix === '_bucket' || !Number.isFinite(value)) return null;
    const [path, tags] = this.#named(`${name}${suffix}`, labels);
    if (type === 'gauge') return `${path}:${numberText(value)}|g${tags}`;
    const key = `${path}${tags}`;
    now.set(key, value);
    const before = this.#before.get(key) ?? (isOlder ? value : 0);
    const grown = value < before ? value : value - before;
    return grown > 0 ? `${path}:${numberText(grown)}|c${tags}` : null;
  }

  #named(name: string, labels: Readonly<Record<string, string>>): [path: string, tags: string] {
    const { prefix, hasTags } = this.#shape;
    const pairs = Object.entries(labels);
    if (!hasTags) {
      const parts = pairs.map(([, text]) => `.${text.replaceAll(/[^\w-]/g, '_') || 'none'}`);
      return [`${prefix}${name}${parts.join('')}`, ''];
    }
    const tags = pairs.map(([label, text]) => `${label}:${text.replaceAll(/[^\x21-\x7e]|[|,#]/g, '_')}`);
    return [`${prefix}${name}`, tags.length === 0 ? '' : `|#${tags.join(',')}`];
  }
}

/** Never with an exponent: not every server reads one. */
function numberText(value: number): string {
  return Number.isInteger(value) && value < 1e21 ? String(value) : String(Number(value.toFixed(DECIMALS)));
}
