/**
 * Whose container it is. Tidegate acts on a container only when its labels ask for that; the labels of a container never
 * change, so an answer holds for as long as the container exists.
 */
import { REPLICA_LABEL } from '#core/replica-labels';
import type { SpareBook } from '#core/spare-book';
import type { EngineContainerSummary } from './engine.ts';
import { ReplicaIndex } from './replica-index.ts';
import { labelsIn, NO_SPARES, summaryIn, wasSpare } from './spare-book.ts';

const PREFIX = 'tidegate.';
/** Values of `tidegate.enable` that opt out. */
const NO: readonly string[] = ['false', '0', 'no', 'off'];

/** What must be equal in things that two sets share. */
const SAME = ['tidegate.tenant', 'tidegate.app'];

type Labels = Readonly<Record<string, string>>;

/** Whether a container carries any label of ours: worth listing, even if only to say what is wrong with it. */
export function carriesOurLabel(labels: Labels): boolean {
  return Object.keys(labels).some((name) => name.startsWith(PREFIX));
}

/** Whether we may act on a container: it is enabled, or names an app or a host, and does not opt out; or is a spare. */
export function isOurs(labels: Labels): boolean {
  if (wasSpare(labels)) return true;
  const enable = labels['tidegate.enable'];
  if (enable !== undefined && enable.trim() !== '') return !NO.includes(enable.trim().toLowerCase());
  return Object.keys(labels).some(
    (name) => name === 'tidegate.app' || name === 'tidegate.host' || /^tidegate\.route\..+\.host$/.test(name),
  );
}

/**
 * Whether a network or volume that is there is the very one that is wanted. Names alone do not tell: those of tenant `a`
 * with app `b-c` and of tenant `a-b` with app `c` may be one.
 */
export function isOfSameApp(labels: Labels, wanted: Labels): boolean {
  return carriesOurLabel(labels) && SAME.every((name) => labels[name] === wanted[name]);
}

/** What is known of the ownership of containers, by full id. */
export class Ownership {
  #ours = new Map<string, boolean>();
  /** Which of them belong together. */
  readonly replicas = new ReplicaIndex();
  readonly #spares: SpareBook;

  /** @param spares who those of them are that were made spares */
  constructor(spares: SpareBook = NO_SPARES) {
    this.#spares = spares;
  }

  /** The labels that count for a container with these. */
  labelsOf(id: string, labels: Labels): Labels {
    return labelsIn(this.#spares, id, labels);
  }

  /** The pause container of a replica that was a spare before; null: it was none. */
  spareOf(replica: string): string | null {
    return this.#spares.ids().find((id) => this.#spares.get(id)?.labels[REPLICA_LABEL] === replica) ?? null;
  }

  /** The network that a container that was a spare is to be in, and may not have joined yet; null: there is none. */
  homeToJoin(id: string): string | null {
    const identity = this.#spares.get(id);
    return identity?.joined === false ? identity.network : null;
  }

  /** Undefined: never seen. */
  isOurs(id: string): boolean | undefined {
    return this.#ours.get(id);
  }

  saw(id: string, labels: Labels): boolean {
    const ours = isOurs(labels);
    this.#ours.set(id, ours);
    this.replicas.saw(id, labelsIn(this.#spares, id, labels));
    return ours;
  }

  /** Containers that were spares and are somebody now. */
  get taken(): readonly string[] {
    return this.#spares.ids();
  }

  /**
   * Takes a complete list: what is not in it is forgotten.
   * @param taken those that were when it was asked for: one that was taken since then may be younger than the list
   */
  sawAll(
    containers: readonly EngineContainerSummary[],
    taken: readonly string[] = this.taken,
  ): readonly EngineContainerSummary[] {
    const known = containers.map((one) => summaryIn(this.#spares, one));
    this.#ours = new Map(containers.map((one) => [one.id, isOurs(one.labels)]));
    this.replicas.sawAll(known);
    for (const id of taken) if (!this.#ours.has(id)) this.#spares.drop(id);
    return known;
  }

  forget(id: string): void {
    this.#ours.delete(id);
    this.replicas.forget(id);
    this.#spares.drop(id);
  }
}
