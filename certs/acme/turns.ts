/** Who may order next, and when: a bounded number at a time, and no tenant more than its share while others wait. */
import type { IssuanceRecord } from './issuance-record.ts';

export class Turns {
  readonly #max: number;
  readonly #running = new Map<string | null, number>();
  #count = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** As many of those that wait as there is room for, the tenants with the least under way first. */
  choose<T>(waiting: readonly T[], tenantOf: (one: T) => string | null): readonly T[] {
    const load = new Map(this.#running);
    const left = [...waiting];
    const chosen: T[] = [];
    while (chosen.length + this.#count < this.#max && left.length > 0) {
      let best = 0;
      for (let i = 1; i < left.length; i++) {
        if ((load.get(tenantOf(left[i] as T)) ?? 0) < (load.get(tenantOf(left[best] as T)) ?? 0)) best = i;
      }
      const [one] = left.splice(best, 1) as [T];
      const tenant = tenantOf(one);
      load.set(tenant, (load.get(tenant) ?? 0) + 1);
      chosen.push(one);
    }
    return chosen;
  }

  begin(tenant: string | null): void {
    this.#count++;
    this.#running.set(tenant, (this.#running.get(tenant) ?? 0) + 1);
  }

  end(tenant: string | null): void {
    this.#count--;
    const left = (this.#running.get(tenant) ?? 1) - 1;
    if (left === 0) this.#running.delete(tenant);
    else this.#running.set(tenant, left);
  }
}

/** Whether nothing but the question when to renew can be due. @param now Unix ms */
export function isLook({ nextAttemptAt }: IssuanceRecord, now: number): boolean {
  return nextAttemptAt !== null && nextAttemptAt > now;
}

/** When a hostname is to be seen to, Unix ms; null: at once. */
export function dueAt({ nextAttemptAt, lookAt }: IssuanceRecord): number | null {
  return nextAttemptAt === null || lookAt === null ? nextAttemptAt : Math.min(nextAttemptAt, lookAt);
}
