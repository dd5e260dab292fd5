/**
 * What the modules that a k6 script imports share. In k6 that is a world of its own around the script, so here it is one
 * per process: a process runs one script.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Agent } from 'node:http';
import { Metric, type MetricKind, type Tags } from './metric.ts';

/** Metrics that k6 has by itself, as far as they are kept here. */
const BUILT_IN: Readonly<Record<string, MetricKind>> = {
  checks: 'rate',
  data_received: 'counter',
  dropped_iterations: 'counter',
  http_req_duration: 'trend',
  http_req_failed: 'rate',
  http_reqs: 'counter',
  iteration_duration: 'trend',
  iteration_errors: 'counter',
  iterations: 'counter',
};

/** Who runs the script at the moment: one virtual user in one iteration of a scenario. */
export interface Turn {
  readonly scenario: string;
  /** From 1. */
  readonly user: number;
  /** From 0. */
  readonly iteration: number;
  /** The user's own connections. */
  readonly agent: Agent;
}

export class Session {
  readonly turns = new AsyncLocalStorage<Turn>();
  readonly #metrics = new Map<string, Metric>();

  constructor() {
    for (const [name, kind] of Object.entries(BUILT_IN)) this.#metrics.set(name, new Metric(name, kind));
  }

  get metrics(): readonly Metric[] {
    return [...this.#metrics.values()];
  }

  metric(name: string): Metric | undefined {
    return this.#metrics.get(name);
  }

  /** The metric of this name; made when there is none. @throws Error when it is of another kind */
  declare(name: string, kind: MetricKind): Metric {
    const known = this.#metrics.get(name);
    if (known !== undefined && known.kind !== kind) throw new Error(`the metric ${name} is a ${known.kind}`);
    const metric = known ?? new Metric(name, kind);
    this.#metrics.set(name, metric);
    return metric;
  }

  /** A sample of a metric that is there, with the tags of the present turn. */
  sample(name: string, value: number, tags: Tags = {}): void {
    const turn = this.turns.getStore();
    this.#metrics.get(name)?.add(value, turn === undefined ? tags : { scenario: turn.scenario, ...tags });
  }
}

export const session = new Session();
