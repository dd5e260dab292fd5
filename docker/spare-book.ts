/**
 * Who spare sandboxes have become. Labels of a container never change, so what a pause container was made a spare with
 * stays on it; the labels of the replica that took it are kept beside, and count in their place wherever it is looked at.
 */
import { ROLE_LABEL } from '#core/replica-labels';
import type { EngineContainerSummary } from './engine.ts';
import type { InspectAnswer } from './inspect.ts';

type Labels = Readonly<Record<string, string>>;

/** The role that a spare is made with. */
export const SPARE_ROLE = 'spare';

/** Plain JSON. */
export interface SpareIdentity {
  /** As of a pause container that had been made for the replica. */
  readonly labels: Labels;
  /** The network of its app. */
  readonly network: string;
  /** As if the pause container EXPOSEd it; null: none. */
  readonly exposedPort: number | null;
}

/** Of the spares of one host, by container id. */
export interface SpareBook {
  get(containerId: string): SpareIdentity | null;
  ids(): readonly string[];
  /** Resolves when it would survive a crash. @throws TidegateError of the `store.` family */
  put(containerId: string, identity: SpareIdentity): Promise<void>;
  /** The container is gone. */
  drop(containerId: string): void;
}

/** For an Engine without spares. */
export const NO_SPARES: SpareBook = { get: () => null, ids: () => [], put: () => Promise.resolve(), drop: () => {} };

/** It was made a spare, whatever it is now. */
export function wasSpare(labels: Labels): boolean {
  return labels[ROLE_LABEL] === SPARE_ROLE;
}

/** The labels that count. */
export function labelsIn(book: SpareBook, id: string, labels: Labels): Labels {
  return wasSpare(labels) ? (book.get(id)?.labels ?? labels) : labels;
}

export function summaryIn(book: SpareBook, summary: EngineContainerSummary): EngineContainerSummary {
  return wasSpare(summary.labels) ? { ...summary, labels: labelsIn(book, summary.id, summary.labels) } : summary;
}

/** As if it had been made for the replica that took it. */
export function answerIn(book: SpareBook, answer: InspectAnswer): InspectAnswer {
  const identity = wasSpare(answer.Config.Labels ?? {}) ? book.get(answer.Id) : null;
  if (identity === null) return answer;
  const { labels, network, exposedPort } = identity;
  return {
    ...answer,
    Config: {
      ...answer.Config,
      Labels: labels,
      ...(exposedPort === null ? {} : { ExposedPorts: { [`${exposedPort}/tcp`]: {} } }),
    },
    HostConfig: { ...answer.HostConfig, NetworkMode: network },
  };
}
