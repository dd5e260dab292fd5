/**
 * The keeper of certificates to be had: for every hostname that is wanted it sees to it that one is in the vault, in time
 * and with as few words to the authorities as can be. No order before the pre-flight and the ledger allow it; one order per
 * hostname, whoever else works on the same store; the old certificate serves until the new one is in the vault.
 */
import type { Timer } from '#core/clock';
import { messageOf } from '#core/errors';
import type { Lease, Store } from '#store/store';
import { type IssuanceRecord, type IssuanceView, newRecord, retryDelayMs } from './issuance-record.ts';
import {
  authorityFor,
  heldRecord,
  type OrderCounts,
  Orders,
  type OrdersOptions,
  type WantedCertificate,
  type Wish,
} from './orders.ts';
import { isDue, type Turns } from './turns.ts';

const KIND = 'issuance';
/** Renewed while the work goes on; after a crash another process waits so long. */
const LEASE_MS = 60_000;
const LEASE_RENEW_MS = 20_000;
/** When another process works on the same name. */
const ELSEWHERE_MS = 15_000;
/** A name that cannot be reached is not renewed; it is looked at again. */
const ASLEEP_MS = 86_400_000;
/** Checks that say no are repeated sooner than orders that fail: they cost nobody anything. */
const CHECK_AGAIN_MAX_MS = 3_600_000;
const MANUAL_GAP_MS = 60_000;

export interface IssuanceOptions extends Omit<OrdersOptions, 'save' | 'signal'> {
  readonly store: Pick<
    Store,
    'documents' | 'document' | 'putDocument' | 'dropDocument' | 'acquireLease' | 'releaseLease'
  >;
  readonly turns: Turns;
  /** Names this process in leases. */
  readonly holder: string;
}

export class Issuance {
  readonly #options: IssuanceOptions;
  readonly #entries = new Map<string, WantedCertificate>();
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #timer: Timer | null = null;
  #started = false;
  readonly #orders: Orders;
  /** Told of every change of a view. */
  onChange: (hostname: string) => void = () => {};

  constructor(options: IssuanceOptions) {
    this.#options = options;
    this.#orders = new Orders({
      ...options,
      save: (entry, record) => this.#save(entry, record),
      signal: this.#closing.signal,
    });
  }

  /** Reads what is kept: orders that were under way go on when their hostnames are wanted. */
  async start(): Promise<void> {
    for (const { id, body } of await this.#options.store.documents(KIND)) {
      const record = body as IssuanceRecord;
      const wish = this.#entries.get(id)?.wish ?? null;
      // What was under way is due at once.
      const state = record.state === 'issuing' ? 'queued' : record.state === 'renewing' ? 'valid' : record.state;
      this.#entries.set(id, { wish, record: { ...record, state }, running: false, asked: false });
    }
    this.#started = true;
    this.#arm();
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('Tidegate ends'));
    this.#timer?.cancel();
    await Promise.allSettled(this.#running);
  }

  /** Sees to a certificate from now on. */
  want(wish: Wish): void {
    const { hostname, tenant } = wish;
    const entry = this.#entries.get(hostname);
    if (entry === undefined) {
      this.#entries.set(hostname, {
        ...{ wish, record: newRecord(hostname, tenant) },
        ...{ running: false, asked: false },
      });
    } else entry.wish = wish;
    this.#arm();
  }

  /** Neither ordered nor renewed any more; what there is stays. */
  unwant(hostname: string): void {
    const entry = this.#entries.get(hostname);
    if (entry === undefined) return;
    entry.wish = null;
    if (entry.running) return;
    this.#entries.delete(hostname);
    void this.#options.store.dropDocument(KIND, hostname).catch((error: unknown) => {
      this.#options.log.warn('a note of issuance could not be dropped', { hostname, error: messageOf(error) });
    });
  }

  /** Clients wait for it, or what stood in the way is gone: it is checked now, as far as limits allow. */
  hurry(hostname: string): void {
    const entry = this.#entries.get(hostname);
    if (entry === undefined || entry.wish === null || entry.running) return;
    const { record } = entry;
    if (record.state === 'valid' || record.state === 'rate-limited') return;
    // An authority that failed us is not asked sooner for the sake of a client.
    if (record.attempts > 0 && record.orderedAt !== null && record.caFailures > 0) return;
    entry.record = { ...record, nextAttemptAt: this.#options.clock.wall() };
    this.#arm();
  }

  view(hostname: string): IssuanceView {
    return this.#entries.get(hostname)?.record ?? newRecord(hostname, null);
  }

  /** What became of orders since the start. */
  get counts(): OrderCounts {
    return this.#orders.counts;
  }

  /** Hostnames by state. */
  states(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { record } of this.#entries.values()) counts[record.state] = (counts[record.state] ?? 0) + 1;
    return counts;
  }

  /** Asks for a new certificate in the place of this one, limits allowing. Null: no such certificate is wanted. */
  async renew(certificateId: string): Promise<IssuanceView | null> {
    const kept = await this.#options.vault.get(certificateId);
    const hostname = kept?.names.find((name) => this.#entries.get(name)?.wish != null);
    const entry = hostname === undefined ? undefined : this.#entries.get(hostname);
    if (hostname === undefined || entry === undefined) return null;
    const now = this.#options.clock.wall();
    const { record } = entry;
    if (!entry.running && (record.orderedAt ?? 0) < now - MANUAL_GAP_MS) {
      entry.asked = true;
      entry.record = { ...record, nextAttemptAt: now };
      this.#arm();
    }
    return entry.record;
  }

  /** @throws AcmeFault when the authority refuses */
  async revoke(certificateId: string, reason: number): Promise<void> {
    const { vault, authorities, emit, clock } = this.#options;
    const kept = await vault.get(certificateId);
    const material = await vault.material(certificateId);
    if (kept === null || material === null) return;
    const authority = authorities.find(kept.issuer);
    if (authority !== null) await (await authority.session()).revoke(material.chain, reason);
    await vault.update(certificateId, { state: 'revoked' });
    emit({
      type: 'certificate.revoked',
      tenant: kept.tenant,
      cause: `it was asked for (reason ${reason})`,
      data: { certificate: certificateId, names: kept.names },
    });
    for (const name of kept.names) {
      const entry = this.#entries.get(name);
      if (entry === undefined || entry.record.certificateId !== certificateId) continue;
      await this.#save(entry, { ...entry.record, state: 'queued', certificateId: null, nextAttemptAt: clock.wall() });
    }
    this.#arm();
  }

  /** Starts what is due, and wakes again for what is due next. */
  #arm(): void {
    if (!this.#started || this.#closing.signal.aborted) return;
    this.#timer?.cancel();
    this.#timer = null;
    const { clock, turns } = this.#options;
    const now = clock.wall();
    const waiting = [...this.#entries.values()].filter((entry) => entry.wish !== null && !entry.running);
    const due = waiting.filter(({ record }) => isDue(record, now));
    for (const entry of turns.choose(due, (one) => one.wish?.tenant ?? null)) this.#run(entry);
    const times = waiting.filter((entry) => !due.includes(entry)).map(({ record }) => record.nextAttemptAt ?? now);
    if (times.length === 0) return;
    const nextMs = Math.max(0, times.reduce((a, b) => Math.min(a, b)) - now);
    this.#timer = clock.after(Math.min(nextMs, CHECK_AGAIN_MAX_MS), () => this.#arm());
  }

  #run(entry: WantedCertificate): void {
    entry.running = true;
    const { turns, log } = this.#options;
    const tenant = entry.wish?.tenant ?? null;
    turns.begin(tenant);
    const run = this.#attempt(entry)
      .catch((error: unknown) => {
        if (this.#closing.signal.aborted) return;
        log.error('a certificate could not be seen to', { hostname: entry.record.hostname, error: messageOf(error) });
        const { clock } = this.#options;
        entry.record = { ...entry.record, nextAttemptAt: clock.wall() + ELSEWHERE_MS };
      })
      .finally(() => {
        entry.running = false;
        turns.end(tenant);
        this.#running.delete(run);
        if (entry.wish === null) this.unwant(entry.record.hostname);
        this.onChange(entry.record.hostname);
        this.#arm();
      });
    this.#running.add(run);
  }

  async #attempt(entry: WantedCertificate): Promise<void> {
    const { store, clock, holder } = this.#options;
    const { hostname } = entry.record;
    const lease = await store.acquireLease(`order:${hostname}`, holder, LEASE_MS, clock.wall());
    if (lease === null) {
      entry.record = { ...entry.record, nextAttemptAt: clock.wall() + ELSEWHERE_MS };
      return;
    }
    let heartbeat: Timer | null = null;
    const beat = (): void => {
      heartbeat = clock.after(LEASE_RENEW_MS, () => {
        void store.acquireLease(lease.name, holder, LEASE_MS, clock.wall()).catch(() => {});
        beat();
      });
    };
    beat();
    try {
      await this.#attemptWith(entry, lease);
    } finally {
      (heartbeat as Timer | null)?.cancel();
      await store.releaseLease(lease);
    }
  }

  async #attemptWith(entry: WantedCertificate, lease: Lease): Promise<void> {
    const { store, vault, clock } = this.#options;
    const { hostname } = entry.record;
    const { wish } = entry;
    if (wish === null) return;
    // Another process may have been at it.
    const kept = (await store.document(KIND, hostname))?.body as IssuanceRecord | undefined;
    if (kept !== undefined) entry.record = kept;
    const current = await vault.newestFor(hostname);
    const now = clock.wall();
    const isWanted = entry.asked || (entry.record.nextAttemptAt !== null && entry.record.nextAttemptAt <= now);
    entry.asked = false;
    if (current !== null && current.id !== entry.record.certificateId) {
      await this.#save(entry, heldRecord(entry.record, current, this.#options.random()));
      return;
    }
    if (current !== null && !isWanted) {
      await this.#save(entry, heldRecord(entry.record, current, this.#options.random()));
      return;
    }
    if (current !== null && !(await wish.isAlive())) {
      await this.#save(entry, { ...entry.record, state: 'valid', nextAttemptAt: now + ASLEEP_MS });
      return;
    }
    const refusal = await this.#refusal(entry, wish);
    if (refusal !== null) {
      await this.#save(entry, refusal);
      return;
    }
    await this.#orders.run(entry, wish, { lease, isRenewal: current !== null });
  }

  /** What is said instead of an order; null: nothing stands in the way. */
  async #refusal({ record }: WantedCertificate, wish: Wish): Promise<IssuanceRecord | null> {
    const { clock, random } = this.#options;
    // An order that is under way has passed.
    if (record.order !== null) return null;
    const [diagnosis] = await wish.check(record.hostname);
    const now = clock.wall();
    if (diagnosis !== undefined) {
      const attempts = record.attempts + 1;
      const delay = Math.min(CHECK_AGAIN_MAX_MS, retryDelayMs(attempts, random()));
      const lastError = { type: diagnosis.code, detail: diagnosis.detail, at: now };
      return { ...record, state: 'failed', attempts, lastError, nextAttemptAt: now + delay };
    }
    const limit = (await authorityFor(record, this.#options.authorities).ledger()).check([record.hostname]);
    if (limit === null) return null;
    const detail = `${limit.limit} are the limit of the authority; no order is made before there is room`;
    const lastError = { type: 'ledger', detail, at: now };
    return { ...record, state: 'rate-limited', lastError, nextAttemptAt: limit.freeAt };
  }

  async #save(entry: WantedCertificate, record: IssuanceRecord): Promise<void> {
    entry.record = record;
    this.onChange(record.hostname);
    await this.#options.store.putDocument(KIND, record.hostname, record);
  }
}
