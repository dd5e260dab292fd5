/** The revisions of all sets in memory: which there are, which are old, and what is still needed for one of them. */
import type { Revision } from '#core/set-spec';
import type { DocumentChange } from '#store/store';
import { REVISION_KIND, revisionId, type SetRecord, setId } from './app-record.ts';

/** Revisions that can be gone back to, with the one in force. */
export const REVISIONS_KEPT = 10;

type Place = Pick<SetRecord, 'tenant' | 'app' | 'name'>;

export class RevisionShelf {
  /** By set, oldest first. */
  readonly #bySet = new Map<string, readonly Revision[]>();

  /** Oldest first. @param set its id */
  of(set: string): readonly Revision[] {
    return this.#bySet.get(set) ?? [];
  }

  /** Adds one, or takes the place of the one with its number. */
  put(set: string, revision: Revision): void {
    const others = this.of(set).filter((one) => one.number !== revision.number);
    this.#bySet.set(
      set,
      [...others, revision].sort((a, b) => a.number - b.number),
    );
  }

  /** @param dropped left out: all of the set */
  forget(set: string, dropped: readonly Revision[] = this.of(set)): void {
    const left = this.of(set).filter((one) => !dropped.includes(one));
    if (left.length === 0) this.#bySet.delete(set);
    else this.#bySet.set(set, left);
  }

  /** Those beyond the ones that are kept. In force is also what has a share of the traffic. */
  old({ tenant, app, name, current, shares }: SetRecord): readonly Revision[] {
    const all = this.of(setId(tenant, app, name));
    const isInForce = (one: Revision): boolean =>
      one.number === current || shares.some((share) => share.revision === one.share);
    return all.slice(0, Math.max(0, all.length - REVISIONS_KEPT)).filter((one) => !isInForce(one));
  }

  change({ tenant, app, name }: Place, revision: Revision): DocumentChange {
    return { kind: REVISION_KIND, id: revisionId(tenant, app, name, revision.number), body: revision };
  }

  drops({ tenant, app, name }: Place, revisions: readonly Revision[]): readonly DocumentChange[] {
    return revisions.map(({ number }) => ({
      ...{ kind: REVISION_KIND, id: revisionId(tenant, app, name, number), drop: true as const },
    }));
  }

  /** Whether a revision of the app was made with that version of a secret. @param but these do not count */
  hasSecret(
    { tenant, app }: Pick<Place, 'tenant' | 'app'>,
    { name, version }: { readonly name: string; readonly version: number },
    but: readonly Revision[] = [],
  ): boolean {
    const place = setId(tenant, app, '');
    return [...this.#bySet].some(
      ([set, all]) =>
        set.startsWith(place) &&
        all.some((one) => one.secrets.includes(name) && secretVersion(one, name) === version && !but.includes(one)),
    );
  }
}

/** Of those that were made before versions were, the first. */
export function secretVersion({ secretVersions = {} }: Pick<Revision, 'secretVersions'>, name: string): number {
  return secretVersions[name] ?? 0;
}
