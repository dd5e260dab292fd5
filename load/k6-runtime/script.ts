/** Runs one k6 script: its setup, its scenarios side by side, its teardown; and says which thresholds held. */
import { Agent } from 'node:http';
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { type Iteration, runScenario, type ScenarioOptions } from './executor.ts';
import { session } from './session.ts';
import { holds, parseSelector, parseThreshold } from './threshold.ts';

const MODULES: Readonly<Record<string, string>> = {
  k6: new URL('./modules/k6.ts', import.meta.url).href,
  'k6/http': new URL('./modules/http.ts', import.meta.url).href,
  'k6/metrics': new URL('./modules/metrics.ts', import.meta.url).href,
};

interface Script {
  readonly options: {
    readonly scenarios: Readonly<Record<string, ScenarioOptions>>;
    readonly thresholds?: Readonly<Record<string, readonly string[]>>;
  };
  readonly setup?: () => unknown;
  readonly teardown?: (data: unknown) => unknown;
}

export interface ThresholdVerdict {
  /** As written: `http_req_duration: p(99)<100`. */
  readonly threshold: string;
  readonly value: number;
  readonly held: boolean;
}

export interface Summary {
  readonly thresholds: readonly ThresholdVerdict[];
  /** Aggregates by metric. */
  readonly metrics: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const SHOWN: Readonly<Record<string, readonly string[]>> = {
  counter: ['count'],
  gauge: ['value'],
  rate: ['rate'],
  trend: ['count', 'min', 'med', 'p(95)', 'p(99)', 'max'],
};

/**
 * @param environment what the script reads as `__ENV`
 * @throws Error when the script cannot be used, or the signal aborts
 */
export async function runScript(
  file: string,
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Summary> {
  const script = await load(file, environment);
  const { scenarios, thresholds = {} } = script.options;
  for (const name of Object.keys(thresholds)) {
    const selector = parseSelector(name);
    const metric = session.metric(selector.metric);
    if (metric === undefined) throw new Error(`${file}: there is no metric ${selector.metric}`);
    metric.select(selector);
  }
  const turn = { scenario: 'setup', user: 0, iteration: 0, agent: new Agent() };
  const data = await session.turns.run(turn, async () => script.setup?.());
  const runs = Object.entries(scenarios).map(([name, options]) => {
    const iteration = functionOf(script, options.exec ?? 'default');
    return runScenario({ name, options, iteration, data, session, signal });
  });
  const outcomes = await Promise.allSettled(runs);
  await session.turns.run({ ...turn, scenario: 'teardown' }, async () => script.teardown?.(data));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return {
    thresholds: Object.entries(thresholds).flatMap(([name, texts]) => judged(name, texts)),
    metrics: aggregates(),
  };
}

async function load(file: string, environment: Readonly<Record<string, string>>): Promise<Script> {
  Object.defineProperty(globalThis, '__ENV', { value: environment, configurable: true });
  Object.defineProperty(globalThis, '__VU', { get: () => session.turns.getStore()?.user ?? 0, configurable: true });
  Object.defineProperty(globalThis, '__ITER', {
    get: () => session.turns.getStore()?.iteration ?? 0,
    configurable: true,
  });
  const hooks = registerHooks({
    resolve: (specifier, context, next) => {
      const url = MODULES[specifier];
      return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
    },
  });
  try {
    const script = (await import(pathToFileURL(file).href)) as Partial<Script>;
    if (script.options?.scenarios === undefined) throw new Error(`${file} has no scenarios`);
    return script as Script;
  } finally {
    hooks.deregister();
  }
}

function functionOf(script: object, name: string): Iteration {
  const found: unknown = Object.entries(script).find(([exported]) => exported === name)?.[1];
  if (typeof found !== 'function') throw new Error(`the script exports no function ${name}`);
  return found as Iteration;
}

function judged(name: string, texts: readonly string[]): ThresholdVerdict[] {
  const selector = parseSelector(name);
  return texts.map((text) => {
    const threshold = parseThreshold(text);
    const value = session.metric(selector.metric)?.aggregate(threshold.aggregate, selector) ?? Number.NaN;
    return { threshold: `${name}: ${text}`, value, held: holds(value, threshold) };
  });
}

function aggregates(): Summary['metrics'] {
  const entries = session.metrics.map((metric) => {
    const names = SHOWN[metric.kind] ?? [];
    return [metric.name, Object.fromEntries(names.map((name) => [name, metric.aggregate(name)]))] as const;
  });
  return Object.fromEntries(entries);
}
