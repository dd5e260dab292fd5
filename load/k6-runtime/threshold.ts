/** Thresholds of k6: `metric{tag:value}: ['p(99)<100', …]`, read and judged. */

export const COMPARISONS = ['<', '<=', '>', '>=', '==', '===', '!='] as const;
export type Comparison = (typeof COMPARISONS)[number];

export interface Threshold {
  /** `count`, `rate`, `value`, `avg`, `min`, `max`, `med` or `p(<percent>)`. */
  readonly aggregate: string;
  readonly comparison: Comparison;
  readonly bound: number;
}

export interface MetricSelector {
  readonly metric: string;
  /** Samples that carry all of these count. */
  readonly tags: Readonly<Record<string, string>>;
}

/** @throws Error when it is none */
export function parseThreshold(text: string): Threshold {
  const match =
    /^\s*(count|rate|value|avg|min|max|med|p\(\d+(?:\.\d+)?\))\s*(<=|>=|===|==|!=|<|>)\s*(-?\d+(?:\.\d+)?)\s*$/.exec(
      text,
    );
  const comparison = COMPARISONS.find((one) => one === match?.[2]);
  if (match === null || comparison === undefined) throw new Error(`"${text}" is no threshold`);
  return { aggregate: match[1] ?? '', comparison, bound: Number(match[3]) };
}

/** @throws Error when it is none */
export function parseSelector(text: string): MetricSelector {
  const match = /^(\w+)(?:\{([^{}]+)\})?$/.exec(text.trim());
  if (match === null) throw new Error(`"${text}" names no metric`);
  const pairs = (match[2] ?? '')
    .split(',')
    .filter(Boolean)
    .map((pair) => pair.split(':').map((part) => part.trim()));
  return { metric: match[1] ?? '', tags: Object.fromEntries(pairs.map(([name = '', value = '']) => [name, value])) };
}

export function holds(value: number, { comparison, bound }: Threshold): boolean {
  switch (comparison) {
    case '<':
      return value < bound;
    case '<=':
      return value <= bound;
    case '>':
      return value > bound;
    case '>=':
      return value >= bound;
    case '!=':
      return value !== bound;
    default:
      return value === bound;
  }
}
