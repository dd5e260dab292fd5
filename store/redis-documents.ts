/** Documents in Redis: one hash a kind, `<version>:<body>` by id. A write happens whole and on the expected version. */
import { TidegateError } from '#core/errors';
import { PREFIX, type RedisAccess } from './redis-access.ts';
import { CHANGE_DOCUMENTS } from './redis-scripts.ts';
import type { DocumentChange, StoredDocument } from './store.ts';

const VERSION = `${PREFIX}version`;
const KINDS = `${PREFIX}document-kinds`;

export class RedisDocuments {
  readonly #access: RedisAccess;

  constructor(access: RedisAccess) {
    this.#access = access;
  }

  async all(kind: string): Promise<readonly StoredDocument[]> {
    const kept = await this.#access.use((redis) => redis.hgetall(keyOf(kind)));
    const ids = Object.keys(kept).sort();
    return ids.map((id) => documentOf(id, kept[id] ?? ''));
  }

  /** Their ids alone are held, all at a time. */
  async *pages(kind: string, size: number): AsyncGenerator<readonly StoredDocument[]> {
    const ids = (await this.#access.use((redis) => redis.hkeys(keyOf(kind)))).sort();
    for (let from = 0; from < ids.length; from += size) {
      const some = ids.slice(from, from + size);
      const kept = await this.#access.use((redis) => redis.hmget(keyOf(kind), ...some));
      // What was dropped since is not there.
      yield kept.flatMap((text, i) => (text === null ? [] : [documentOf(some[i] ?? '', text)]));
    }
  }

  async one(kind: string, id: string): Promise<StoredDocument | null> {
    const kept = await this.#access.use((redis) => redis.hget(keyOf(kind), id));
    return kept === null ? null : documentOf(id, kept);
  }

  async kinds(): Promise<readonly string[]> {
    return (await this.#access.use((redis) => redis.smembers(KINDS))).sort();
  }

  /** Returns the new versions; 0 for what was dropped. @throws TidegateError `store.conflict` */
  async change(changes: readonly DocumentChange[]): Promise<readonly number[]> {
    if (changes.length === 0) return [];
    const keys = [VERSION, KINDS, ...changes.map(({ kind }) => keyOf(kind))];
    const said = changes.map(({ kind, id, expected, drop, body }) => ({
      ...{ kind, id },
      ...(expected === undefined ? {} : { expected: expected ?? -1 }),
      ...(drop === true ? { drop } : { body: JSON.stringify(body ?? null) }),
    }));
    const answer = await this.#access.script(CHANGE_DOCUMENTS, keys, [JSON.stringify(said)]);
    const [outcome, ...rest] = answer as string[];
    if (outcome === 'done') return rest.map(Number);
    throw conflict(changes[Number(rest[0])] as DocumentChange, Number(rest[1]));
  }
}

function conflict({ kind, id, expected }: DocumentChange, version: number): TidegateError {
  const found = version < 0 ? null : version;
  const words = found === null ? 'is gone' : expected === null ? 'is there already' : 'has been changed meanwhile';
  return new TidegateError('store.conflict', `the ${kind} ${id} ${words}`, { detail: { kind, id, expected, found } });
}

function keyOf(kind: string): string {
  return `${PREFIX}document:${kind}`;
}

function documentOf(id: string, kept: string): StoredDocument {
  const colon = kept.indexOf(':');
  return { id, version: Number(kept.slice(0, colon)), body: JSON.parse(kept.slice(colon + 1)) as unknown };
}
