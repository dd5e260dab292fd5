/** Metrics in the Prometheus text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). */
import type { MetricFamily, MetricSample } from './ports.ts';

export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const NAME = /^tidegate_[a-z][a-z0-9_]*$/;

/** @throws Error when two families share a name, or one has a name that is not ours: both are faults of the program */
export function metricsText(families: Iterable<MetricFamily>): string {
  const seen = new Set<string>();
  let text = '';
  for (const { name, type, help, samples } of families) {
    if (!NAME.test(name) || seen.has(name)) throw new Error(`"${name}" cannot name another metric`);
    seen.add(name);
    text += `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
    for (const sample of samples) text += sampleText(name, sample);
  }
  return text;
}

function sampleText(name: string, { suffix = '', labels = {}, value }: MetricSample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  const braces = pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
  return `${name}${suffix}${braces} ${numberText(value)}\n`;
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
