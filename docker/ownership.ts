/**
 * Whose container it is. Tidegate acts on a container only when its labels ask for that; the labels of a container never
 * change, so an answer holds for as long as the container exists.
 */
import { ReplicaIndex } from './replica-index.ts';

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

/** Whether we may act on a container: it is enabled, or names an app or a host, and does not opt out. */
export function isOurs(labels: Labels): boolean {
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

  /** Undefined: never seen. */
  isOurs(id: string): boolean | undefined {
    return this.#ours.get(id);
  }

  saw(id: string, labels: Labels): boolean {
    const ours = isOurs(labels);
    this.#ours.set(id, ours);
    this.replicas.saw(id, labels);
    return ours;
  }

  /** Takes a complete list: what is not in it is forgotten. */
  sawAll(containers: readonly { readonly id: string; readonly labels: Labels }[]): void {
    this.#ours = new Map(containers.map((one) => [one.id, isOurs(one.labels)]));
    this.replicas.sawAll(containers);
  }

  forget(id: string): void {
    this.#ours.delete(id);
    this.replicas.forget(id);
  }
}
