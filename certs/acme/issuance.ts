/**
 * The keeper of certificates to be had: for every hostname that is wanted it sees to it that one is in the vault, in time
 * and with as few words to the authorities as can be. No order before the pre-flight and the ledger allow it; one order per
 * hostname, whoever else works on the same store; the old certificate serves until the new one is in the vault.
 */
import type { Timer } from '#core/clock';
import { messageOf } from '#core/errors';
import type { Store } from '#store/store';
import { DIAGNOSES } from '../dns/diagnosis.ts';
import type { KeptCertificate } from '../vault/kept-certificate.ts';
import type { SealedBox } from '../vault/sealed-box.ts';
import { Attempts, type AttemptsOptions } from './attempts.ts';
import { type IssuanceRecord, type IssuanceView, newRecord, recordOf } from './issuance-record.ts';
import type { OrderCounts, WantedCertificate, Wish } from './orders.ts';
import { dueAt, isLook, Turns } from './turns.ts';
import { underLease } from './under-lease.ts';

const KIND = 'issuance';
/** When another process works on the same name. */
const ELSEWHERE_MS = 15_000;
/** Without anything due: a timer does not count that far. */
const IDLE_MS = 3_600_000;
const MANUAL_GAP_MS = 60_000;
/** At a time, of questions when to renew. */
const LOOKS_MAX = 2;

export interface IssuanceOptions extends Omit<AttemptsOptions, 'save' | 'kept' | 'signal'> {
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
  readonly #attempts: Attempts;
  readonly #looking = new Turns(LOOKS_MAX);
  /** Told of every change of a view. */
  onChange: (hostname: string) => void = () => {};

  constructor(options: IssuanceOptions) {
    this.#options = options;
    this.#attempts = new Attempts({
      ...options,
      kept: async (hostname) => {
        const kept = (await options.store.document(KIND, hostname))?.body as IssuanceRecord | undefined;
        return kept === undefined ? null : recordOf(kept);
      },
      save: (entry, record) => this.#save(entry, record),
      signal: this.#closing.signal,
    });
  }

  /** Reads what is kept: orders that were under way go on when their hostnames are wanted. */
  async start(): Promise<void> {
    for (const { id, body } of await this.#options.store.documents(KIND)) {
      const record = recordOf(body as IssuanceRecord);
      const wish = this.#entries.get(id)?.wish ?? null;
      // What was under way is due at once, whatever was planned before, unless another process is still at it.
      const isUnderWay = record.state === 'issuing' || record.state === 'renewing';
      const asked = isUnderWay ? { insteadOf: record.certificateId } : null;
      const state = record.state === 'issuing' ? 'queued' : record.state === 'renewing' ? 'valid' : record.state;
      const nextAttemptAt = isUnderWay ? this.#options.clock.wall() : record.nextAttemptAt;
      this.#entries.set(id, { wish, record: { ...record, state, nextAttemptAt }, running: false, asked });
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
        ...{ running: false, asked: null },
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
    if (entry === undefined || entry.wish === null) return;
    if (entry.running) {
      entry.hurried = true;
      return;
    }
    const { record } = entry;
    // What an authority said no to is not asked sooner for the sake of a client: it counts its failures.
    const { state, lastError } = record;
    if (state === 'valid' || state === 'rate-limited' || (lastError !== null && !(lastError.type in DIAGNOSES))) return;
    // What is kept says later.
    entry.asked = { insteadOf: record.certificateId };
    entry.record = { ...record, nextAttemptAt: this.#options.clock.wall() };
    this.#arm();
  }

  view(hostname: string): IssuanceView {
    return this.#entries.get(hostname)?.record ?? newRecord(hostname, null);
  }

  /** What became of orders since the start. */
  get counts(): OrderCounts {
    return this.#attempts.counts;
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
    // Whoever asks for an older one means what clients are shown.
    const current = await this.#options.vault.newestFor(hostname);
    const now = this.#options.clock.wall();
    const { record } = entry;
    if (!entry.running && (record.orderedAt ?? 0) < now - MANUAL_GAP_MS) {
      entry.asked = { insteadOf: current?.id ?? null };
      entry.record = { ...record, nextAttemptAt: now };
      this.#arm();
    }
    return entry.record;
  }

  /** @throws AcmeFault when the authority refuses */
  async revoke(certificateId: string, reason: number): Promise<void> {
    const { vault, authorities, emit } = this.#options;
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
    await this.gone(kept);
  }

  /** A certificate is not served any more: hostnames that it was held for get another. */
  async gone({ id, names }: Pick<KeptCertificate, 'id' | 'names'>): Promise<void> {
    const nextAttemptAt = this.#options.clock.wall();
    for (const name of names) {
      const entry = this.#entries.get(name);
      if (entry === undefined || entry.record.certificateId !== id) continue;
      await this.#save(entry, { ...entry.record, state: 'queued', certificateId: null, nextAttemptAt });
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
    const looks: WantedCertificate[] = [];
    let next = now + IDLE_MS;
    for (const entry of this.#entries.values()) {
      if (entry.wish === null || entry.running) continue;
      const at = dueAt(entry.record) ?? now;
      if (at <= now) (isLook(entry.record, now) ? looks : due).push(entry);
      else next = Math.min(next, at);
    }
    for (const entry of turns.choose(due, (one) => one.wish?.tenant ?? null)) this.#run(entry, turns);
    // They wait for each other alone: an authority that gives no advice holds up no order.
    for (const entry of this.#looking.choose(looks, () => null)) this.#run(entry, this.#looking);
    this.#timer = clock.after(next - now, () => this.#arm());
  }

  #run(entry: WantedCertificate, turns: Turns): void {
    entry.running = true;
    const { log } = this.#options;
    const tenant = turns === this.#looking ? null : (entry.wish?.tenant ?? null);
    turns.begin(tenant);
    const run = this.#attempt(entry)
      .catch((error: unknown) => {
        if (this.#closing.signal.aborted) return;
        log.error('a certificate could not be seen to', { hostname: entry.record.hostname, error: messageOf(error) });
        this.#putOff(entry);
      })
      .finally(() => {
        entry.running = false;
        turns.end(tenant);
        this.#running.delete(run);
        if (entry.wish === null) this.unwant(entry.record.hostname);
        else if (entry.hurried === true) {
          entry.hurried = false;
          this.hurry(entry.record.hostname);
        }
        this.onChange(entry.record.hostname);
        this.#arm();
      });
    this.#running.add(run);
  }

  async #attempt(entry: WantedCertificate): Promise<void> {
    const { store, clock, holder } = this.#options;
    const terms = { store, clock, holder, name: `order:${entry.record.hostname}` };
    const isOurs = await underLease(terms, (lease) => this.#attempts.run(entry, lease));
    if (!isOurs) this.#putOff(entry);
  }

  /** Nothing came of it: for as long as that, not again. */
  #putOff(entry: WantedCertificate): void {
    const { nextAttemptAt, lookAt } = entry.record;
    const at = this.#options.clock.wall() + ELSEWHERE_MS;
    const later = (planned: number): number => Math.max(planned, at);
    entry.record = {
      ...entry.record,
      nextAttemptAt: later(nextAttemptAt ?? at),
      lookAt: lookAt === null ? null : later(lookAt),
    };
  }

  async #save(entry: WantedCertificate, record: IssuanceRecord): Promise<void> {
    const { store, box } = this.#options;
    entry.record = sealedAnew(record, box);
    this.onChange(record.hostname);
    await store.putDocument(KIND, record.hostname, entry.record);
  }
}

/** The key for data at rest may have been changed since the order was begun. */
function sealedAnew(record: IssuanceRecord, box: SealedBox): IssuanceRecord {
  const { order } = record;
  const sealed = order === null ? null : Buffer.from(order.key, 'base64');
  if (order === null || sealed === null || box.isCurrent(sealed)) return record;
  return { ...record, order: { ...order, key: Buffer.from(box.reseal(sealed)).toString('base64') } };
}
