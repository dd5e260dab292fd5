/** Leases in Redis, each taken in one step. Time is that of who asks, as with every store. */
import { PREFIX, type RedisAccess } from './redis-access.ts';
import { ACQUIRE_LEASE, RELEASE_LEASE } from './redis-scripts.ts';
import type { Lease } from './store.ts';

/** One that has lapsed so long ago is of no use to anybody. */
const FORGOTTEN_MS = 86_400_000;

export function leaseKey(name: string): string {
  return `${PREFIX}lease:${name}`;
}

export class RedisLeases {
  readonly #access: RedisAccess;

  constructor(access: RedisAccess) {
    this.#access = access;
  }

  async acquire(name: string, holder: string, ttlMs: number, now: number): Promise<Lease | null> {
    const until = now + ttlMs;
    const keys = [leaseKey(name), `${PREFIX}fence`];
    const fence = await this.#access.script(ACQUIRE_LEASE, keys, [holder, until, now, ttlMs + FORGOTTEN_MS]);
    return fence === null ? null : { name, holder, fence: Number(fence), until };
  }

  async release({ name, holder, fence }: Lease): Promise<void> {
    await this.#access.script(RELEASE_LEASE, [leaseKey(name)], [holder, fence]);
  }

  async holds({ name, holder, fence }: Lease, now: number): Promise<boolean> {
    const [by, of, until] = await this.#access.use((redis) => redis.hmget(leaseKey(name), 'holder', 'fence', 'until'));
    return by === holder && Number(of) === fence && Number(until) > now;
  }
}
