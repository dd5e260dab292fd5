/**
 * The keeper of certificates to be had: for every hostname that is wanted it sees to it that one is in the vault, in time
 * and with as few words to the authorities as can be. No order before the pre-flight and the ledger allow it; one order per
 * hostname, whoever else works on the same store; the old certificate serves until the new one is in the vault.
 */
import type { Timer } from '#core/clock';
import { messageOf } from '#core/errors';
import type { Lease, Store } from '#store/store';
import { DIAGNOSES } from '../dns/diagnosis.ts';
import { IMPORTED } from '../vault/kept-certificate.ts';
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
import { underLease } from './under-lease.ts';

const KIND = 'issuance';
/** When another process works on the same name. */
const ELSEWHERE_MS = 15_000;
/** A name that cannot be reached is not renewed; it is looked at again. */
const ASLEEP_MS = 86_400_000;
/** Checks that say no are repeated sooner than orders that fail: they cost nobody anything. */
const CHECK_AGAIN_MAX_MS = 3_600_000;
const MANUAL_GAP_MS = 60_000;
/** A certificate that is not ours to renew is followed until so long before its end. */
const FOLLOWED_MS = 3 * ASLEEP_MS;

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
  #arming = false;
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
    // A name that comes back takes up its back-off where it was.
    if (entry.running || entry.record.attempts > 0) return;
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
    // What an authority said no to is not asked sooner for the sake of a client: it counts its failures.
    const { state, lastError } = record;
    if (state === 'valid' || state === 'rate-limited' || (lastError !== null && !(lastError.type in DIAGNOSES))) return;
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
    if (this.#arming) return;
    this.#arming = true;
    // Once for all that is wanted in one go.
    queueMicrotask(() => {
      this.#arming = false;
      if (this.#started && !this.#closing.signal.aborted) this.#startDue();
    });
  }

  #startDue(): void {
    this.#timer?.cancel();
    const { clock, turns } = this.#options;
    const now = clock.wall();
    const due: WantedCertificate[] = [];
    let next = now + CHECK_AGAIN_MAX_MS;
    for (const entry of this.#entries.values()) {
      if (entry.wish === null || entry.running) continue;
      if (isDue(entry.record, now)) due.push(entry);
      else next = Math.min(next, entry.record.nextAttemptAt ?? now);
    }
    for (const entry of turns.choose(due, (one) => one.wish?.tenant ?? null)) this.#run(entry);
    this.#timer = clock.after(next - now, () => this.#arm());
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
    const terms = { store, clock, holder, name: `order:${entry.record.hostname}` };
    const isOurs = await underLease(terms, (lease) => this.#attemptWith(entry, lease));
    if (!isOurs) entry.record = { ...entry.record, nextAttemptAt: clock.wall() + ELSEWHERE_MS };
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
    const isOwn = current?.names.includes(hostname) && current.issuer !== IMPORTED;
    if (current !== null && !isOwn && current.notAfter - now > FOLLOWED_MS) {
      // A wildcard that covers it, or one that somebody brought, is for others to renew.
      const held = heldRecord(entry.record, current, this.#options.random());
      await this.#save(entry, { ...held, nextAttemptAt: current.notAfter - FOLLOWED_MS });
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
    if (record.order?.ca === authorityFor(record, this.#options.authorities).directory) return null;
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
