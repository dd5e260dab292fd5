/**
 * The state port on Redis, for installations whose state is to live elsewhere than on this machine. What an acknowledged
 * write survives is a matter of its settings: with `appendonly yes` and `appendfsync always` it outlives a kill of the server.
 */
import { TidegateError } from '#core/errors';
import type { Event } from '#core/event';
import type { Log } from '#core/log';
import type { SetKey } from '#core/set';
import { PREFIX, RedisAccess } from './redis-access.ts';
import { RedisCertificates } from './redis-certificates.ts';
import { RedisDocuments } from './redis-documents.ts';
import { type HoldTools, RedisHold } from './redis-hold.ts';
import { RedisLeases } from './redis-leases.ts';
import { APPEND_EVENTS } from './redis-scripts.ts';
import {
  type CertificatePage,
  type CertificateRow,
  type DocumentChange,
  EVENTS_KEPT,
  type ExpectedVersion,
  type HostPicture,
  type Lease,
  PICTURE_SHAPE,
  type ScaleRecord,
  type SleepNote,
  type Store,
  type StoredDocument,
  type TokenRecord,
} from './store.ts';

/** Grows with every change of keys or values that an older version would not understand. */
const SHAPE = 1;
const KEY = {
  shape: `${PREFIX}shape`,
  scales: `${PREFIX}scale`,
  sleeping: `${PREFIX}sleeping`,
  pictures: `${PREFIX}picture`,
  events: `${PREFIX}event`,
  tokens: `${PREFIX}token`,
} as const;

/**
 * Connects, and makes sure that what is there is ours.
 * @param url as TIDEGATE_STORE has it: `redis://…`, `rediss://…`, `redis+sentinel://…`
 * @param hold takes hold of the store for this instance alone; null: it is shared by arrangement
 * @throws TidegateError `store.failed`, `store.newer`, `store.locked`
 */
export async function openRedisStore(
  url: string,
  log: Log,
  hold: Omit<HoldTools, 'log'> | null = null,
): Promise<Store> {
  const access = new RedisAccess(url, (isAlone) => tellOfCopies(access.where, isAlone, log));
  await access.connect();
  try {
    await access.write((redis) => redis.setnx(KEY.shape, SHAPE));
    const shape = Number(await access.use((redis) => redis.get(KEY.shape)));
    if (shape > SHAPE) throw new TidegateError('store.newer', `${access.where} holds state of shape ${shape}`);
    await warnOfLoss(access, log);
    const held = hold === null ? null : await RedisHold.take(access, { ...hold, log });
    return new RedisStore(access, held);
  } catch (error) {
    await access.close();
    throw error;
  }
}

/** A server that may forget what it has acknowledged is told of, not refused. */
async function warnOfLoss(access: RedisAccess, log: Log): Promise<void> {
  // A hosted one may not show its settings.
  const settingOf = async (name: string): Promise<unknown> => {
    const said = await access.use((redis) => redis.config('GET', name)).catch(() => null);
    return Array.isArray(said) ? said[1] : null;
  };
  const [kept, synced] = [await settingOf('appendonly'), await settingOf('appendfsync')];
  const evicts = await settingOf('maxmemory-policy');
  if (typeof evicts === 'string' && evicts !== 'noeviction') {
    log.warn(`the Redis store throws away what it needs room for: set maxmemory-policy to noeviction, not ${evicts}`, {
      store: access.where,
    });
  }
  if (access.isReplicated && (await settingOf('min-replicas-to-write')) === '0') {
    const set = 'set min-replicas-to-write to 1 on all of its servers';
    log.warn(`a Redis master that is cut off from its replicas may take writes that are lost later: ${set}`, {
      store: access.where,
    });
  }
  // With `everysec` an answer may leave while the write waits for a sync that is under way.
  if (kept === 'no' || (kept === 'yes' && synced !== 'always')) {
    const set = 'set appendonly to yes and appendfsync to always';
    log.warn(`the Redis store may forget what it has acknowledged when it is killed: ${set}`, { store: access.where });
  }
}

/** Said once, when it begins and when it ends. */
function tellOfCopies(store: string, isAlone: boolean, log: Log): void {
  if (isAlone) log.warn('the Redis master has no replica: what is written now is on one server alone', { store });
  else log.info('a replica of the Redis master has what is written again', { store });
}

class RedisStore implements Store {
  readonly #access: RedisAccess;
  readonly #hold: RedisHold | null;
  readonly #documents: RedisDocuments;
  readonly #leases: RedisLeases;
  readonly #certificates: RedisCertificates;

  constructor(access: RedisAccess, hold: RedisHold | null) {
    this.#access = access;
    this.#hold = hold;
    this.#documents = new RedisDocuments(access);
    this.#leases = new RedisLeases(access);
    this.#certificates = new RedisCertificates(access);
  }

  async scales(): Promise<ReadonlyMap<SetKey, ScaleRecord>> {
    return (await this.#all(KEY.scales)) as Map<SetKey, ScaleRecord>;
  }

  putScale(key: SetKey, scale: ScaleRecord): Promise<void> {
    return this.#put(KEY.scales, key, scale);
  }

  dropScale(key: SetKey): Promise<void> {
    return this.#drop(KEY.scales, key);
  }

  async sleeping(): Promise<ReadonlyMap<string, SleepNote>> {
    return (await this.#all(KEY.sleeping)) as Map<string, SleepNote>;
  }

  putSleeping(replica: string, note: SleepNote): Promise<void> {
    return this.#put(KEY.sleeping, replica, note);
  }

  dropSleeping(replica: string): Promise<void> {
    return this.#drop(KEY.sleeping, replica);
  }

  async pictures(): Promise<ReadonlyMap<string, HostPicture>> {
    const all = (await this.#all(KEY.pictures)) as Map<string, HostPicture & { readonly shape: number }>;
    const fitting = [...all].filter(([, { shape }]) => shape === PICTURE_SHAPE);
    return new Map(fitting.map(([host, { sets, at }]) => [host, { sets, at }]));
  }

  putPicture(host: string, picture: HostPicture): Promise<void> {
    return this.#put(KEY.pictures, host, { ...picture, shape: PICTURE_SHAPE });
  }

  dropPicture(host: string): Promise<void> {
    return this.#drop(KEY.pictures, host);
  }

  async appendEvents(events: readonly Event[]): Promise<void> {
    if (events.length === 0) return;
    const texts = events.flatMap((event) => [event.id, JSON.stringify(event)]);
    await this.#access.script(APPEND_EVENTS, [KEY.events], [EVENTS_KEPT, ...texts]);
  }

  async lastEvents(limit: number): Promise<readonly Event[]> {
    if (limit <= 0) return [];
    const texts = await this.#access.use((redis) => redis.lrange(KEY.events, -limit, -1));
    return texts.map((text) => JSON.parse(text) as Event);
  }

  async dropEvents(): Promise<void> {
    await this.#access.write((redis) => redis.del(KEY.events));
  }

  async tokens(): Promise<readonly TokenRecord[]> {
    const all = (await this.#all(KEY.tokens)) as Map<string, Omit<TokenRecord, 'sha256'> & { readonly sha256: string }>;
    const tokens = [...all.values()].map((one) => ({ ...one, sha256: Buffer.from(one.sha256, 'base64') }));
    return tokens.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  }

  putToken(token: TokenRecord): Promise<void> {
    return this.#put(KEY.tokens, token.id, { ...token, sha256: Buffer.from(token.sha256).toString('base64') });
  }

  dropToken(id: string): Promise<void> {
    return this.#drop(KEY.tokens, id);
  }

  documents(kind: string): Promise<readonly StoredDocument[]> {
    return this.#documents.all(kind);
  }

  documentPages(kind: string, size: number): AsyncIterable<readonly StoredDocument[]> {
    return this.#documents.pages(kind, size);
  }

  document(kind: string, id: string): Promise<StoredDocument | null> {
    return this.#documents.one(kind, id);
  }

  documentKinds(): Promise<readonly string[]> {
    return this.#documents.kinds();
  }

  async putDocument(kind: string, id: string, body: unknown, expected?: ExpectedVersion): Promise<number> {
    const [version] = await this.#documents.change([{ kind, id, body, expected }]);
    return version ?? 0;
  }

  async dropDocument(kind: string, id: string, expected?: number): Promise<void> {
    await this.#documents.change([{ kind, id, drop: true, expected }]);
  }

  async changeDocuments(changes: readonly DocumentChange[]): Promise<void> {
    await this.#documents.change(changes);
  }

  acquireLease(name: string, holder: string, ttlMs: number, now: number): Promise<Lease | null> {
    return this.#leases.acquire(name, holder, ttlMs, now);
  }

  releaseLease(lease: Lease): Promise<void> {
    return this.#leases.release(lease);
  }

  holdsLease(lease: Lease, now: number): Promise<boolean> {
    return this.#leases.holds(lease, now);
  }

  putCertificate(row: CertificateRow, lease?: Lease & { readonly now: number }): Promise<void> {
    return this.#certificates.put(row, lease);
  }

  certificate(id: string): Promise<CertificateRow | null> {
    return this.#certificates.one(id);
  }

  certificates(page: CertificatePage): Promise<readonly CertificateRow[]> {
    return this.#certificates.page(page);
  }

  certificatesOf(name: string): Promise<readonly CertificateRow[]> {
    return this.#certificates.of(name);
  }

  dropCertificate(id: string): Promise<void> {
    return this.#certificates.drop(id);
  }

  async close(): Promise<void> {
    await this.#hold?.letGo();
    await this.#access.close();
  }

  async #all(key: string): Promise<Map<string, unknown>> {
    const kept = await this.#access.use((redis) => redis.hgetall(key));
    return new Map(Object.entries(kept).map(([id, text]) => [id, JSON.parse(text) as unknown]));
  }

  async #put(key: string, id: string, value: unknown): Promise<void> {
    await this.#access.write((redis) => redis.hset(key, id, JSON.stringify(value)));
  }

  async #drop(key: string, id: string): Promise<void> {
    await this.#access.write((redis) => redis.hdel(key, id));
  }
}
