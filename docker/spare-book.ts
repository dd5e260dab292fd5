/**
 * Who spare sandboxes have become. Labels of a container never change, so what a pause container was made a spare with
 * stays on it; the labels of the replica that took it are kept beside, and count in their place wherever it is looked at.
 */
import { ROLE_LABEL } from '#core/replica-labels';
import type { SpareBook } from '#core/spare-book';
import type { EngineContainerSummary } from './engine.ts';
import type { InspectAnswer } from './inspect.ts';

type Labels = Readonly<Record<string, string>>;

/** The role that a spare is made with. */
export const SPARE_ROLE = 'spare';

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
