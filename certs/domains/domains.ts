/**
 * The keeper of domains: who has claimed which hostname, what DNS says of it, and what stands in the way. Every change is in
 * the store before it is in force; a hostname is never two tenants' at a time.
 */
import type { Clock, Timer } from '#core/clock';
import { isTidegateError, messageOf } from '#core/errors';
import type { EventSink } from '#core/event';
import type { Log } from '#core/log';
import type { Store } from '#store/store';
import type { IssuanceView } from '../acme/issuance-record.ts';
import type { Diagnosis } from '../dns/diagnosis.ts';
import type { AddedDomain, DomainFindings, DomainWish, VerifiedDomain } from './domain-answers.ts';
import { type BookedDomain, DomainBook } from './domain-book.ts';
import { tellChange } from './domain-events.ts';
import { DomainLooks, type DomainLooksOptions, type Findings } from './domain-looks.ts';
import { afterLook, type DomainRecord, lookAgainMs, taken } from './domain-record.ts';
import { type DomainView, viewOf } from './domain-view.ts';
import { claimHostname } from './hostname-rules.ts';
import { Quarantine } from './quarantine.ts';

const KIND = 'domain';
const PROOF_BYTES = 20;
const VERIFY_GAP_MS = 5000;
/** Looks under way at a time. */
const LOOKS_MAX = 8;
const LONGEST_SLEEP_MS = 3_600_000;
const AFTER_FAULT_MS = 60_000;

export interface DomainsOptions extends DomainLooksOptions {
  readonly store: Pick<Store, 'documents' | 'document' | 'putDocument' | 'dropDocument'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly emit: EventSink;
  readonly baseDomain: string;
  readonly issuance: (hostname: string) => IssuanceView;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
  readonly randomBytes: (bytes: number) => Uint8Array;
  readonly newId: (prefix: string) => string;
}

export class Domains {
  readonly #options: DomainsOptions;
  readonly #book = new DomainBook();
  readonly #quarantine: Quarantine;
  readonly #looks: DomainLooks;
  readonly #looking = new Set<string>();
  #turn: Promise<void> = Promise.resolve();
  #timer: Timer | null = null;
  #closed = false;
  /** Told of every change of what is proved, and of what DNS says. */
  onChange: (hostname: string) => void = () => {};

  constructor(options: DomainsOptions) {
    this.#options = options;
    this.#quarantine = new Quarantine(options.store);
    this.#looks = new DomainLooks(options);
  }

  /** Reads what is kept: what has been proved is known from then on. */
  async load(): Promise<void> {
    for (const { body, version } of await this.#options.store.documents(KIND)) {
      this.#book.put(body as DomainRecord, version);
    }
  }

  /** Looks at DNS from now on. */
  async start(): Promise<void> {
    await this.#looks.learnAddresses();
    this.#arm();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  // ---- what others ask

  async list(tenant: string): Promise<readonly DomainView[]> {
    return [...this.#book.all()]
      .filter(({ record }) => record.tenant === tenant)
      .map(({ record }) => this.#view(record));
  }

  async get(tenant: string, which: string): Promise<DomainView | null> {
    const one = this.#find(tenant, which);
    return one === null ? null : this.#view(one.record);
  }

  ownerOf(hostname: string): string | null {
    return this.#book.ownerOf(hostname);
  }

  /** Of all that are verified. */
  *routes(): Generator<Pick<DomainRecord, 'tenant' | 'app' | 'set' | 'hostname' | 'path'>> {
    for (const { record } of this.#book.all()) if (record.ownership.state === 'verified') yield record;
  }

  /** Verified ones that point here: a certificate can be had for them. */
  *certifiable(): Generator<Pick<DomainRecord, 'tenant' | 'hostname'>> {
    for (const { record } of this.#book.all()) {
      if (record.ownership.state === 'verified' && record.dns.state === 'ok') yield record;
    }
  }

  // ---- what tenants do

  async add(wish: DomainWish): Promise<AddedDomain> {
    const { store, clock, baseDomain, newId, emit } = this.#options;
    const { tenant, app, set, path } = wish;
    const claimed = claimHostname(wish.hostname, { baseDomain, tenant });
    if (!claimed.ok)
      return { kind: 'refused', field: 'hostname', code: claimed.code, detail: claimed.detail, fix: claimed.fix };
    const { hostname } = claimed;
    const known = this.#book.find(tenant, hostname);
    if (known !== null) return { kind: 'known', domain: this.#view(known.record) };
    const now = clock.wall();
    const held = await this.#quarantine.refusal(hostname, tenant, now);
    if (held !== null) return held;
    const record: DomainRecord = {
      ...{ id: newId('dom'), hostname, tenant, app, set, path, createdAt: now },
      proof: this.#newProof(),
      ownership: { state: 'pending', method: null, verifiedAt: null, failingSince: null, diagnosis: [], seen: [] },
      dns: { state: 'unknown', diagnosis: [], seen: [] },
      ...{ checkedAt: null, nextCheckAt: now, checks: 0 },
    };
    this.#book.put(record, await store.putDocument(KIND, record.id, record, null));
    emit({ type: 'domain.added', tenant, app, set, cause: 'it was asked for', data: { hostname } });
    await this.#look(record.id);
    this.#arm();
    return { kind: 'added', domain: this.#view(this.#book.get(record.id)?.record ?? record) };
  }

  async remove(tenant: string, which: string): Promise<boolean> {
    const { store, clock, emit } = this.#options;
    const one = this.#find(tenant, which);
    if (one === null) return false;
    const { id, hostname, app, set, ownership } = one.record;
    if (ownership.state === 'verified') await this.#quarantine.hold(hostname, tenant, clock.wall());
    await store.dropDocument(KIND, id);
    this.#book.drop(id);
    emit({ type: 'domain.removed', tenant, app, set, cause: 'it was asked for', data: { hostname } });
    this.onChange(hostname);
    return true;
  }

  async verify(tenant: string, which: string): Promise<VerifiedDomain | null> {
    const one = this.#find(tenant, which);
    if (one === null) return null;
    const { id, checkedAt } = one.record;
    const retryAfterMs = (checkedAt ?? 0) + VERIFY_GAP_MS - this.#options.clock.wall();
    if (retryAfterMs > 0 && one.record.checks > 1) return { kind: 'soon', retryAfterMs };
    await this.#look(id);
    this.#arm();
    const after = this.#book.get(id);
    return after === null ? null : { kind: 'checked', domain: this.#view(after.record) };
  }

  async diagnose(tenant: string, which: string): Promise<DomainFindings | null> {
    const one = this.#find(tenant, which);
    return one === null ? null : this.#looks.report(one.record, this.#isCovered(one.record));
  }

  // ---- looking

  #find(tenant: string, which: string): BookedDomain | null {
    const { baseDomain } = this.#options;
    const claimed = claimHostname(which, { baseDomain, tenant });
    return this.#book.find(tenant, claimed.ok ? claimed.hostname : which);
  }

  #arm(): void {
    if (this.#closed) return;
    const { clock } = this.#options;
    const now = clock.wall();
    let next = now + LONGEST_SLEEP_MS;
    for (const { record } of this.#book.all()) {
      if (this.#looking.has(record.id)) continue;
      if (record.nextCheckAt > now) next = Math.min(next, record.nextCheckAt);
      else if (this.#looking.size < LOOKS_MAX) void this.#lookInTurn(record.id);
    }
    this.#timer?.cancel();
    this.#timer = clock.after(next - now, () => this.#arm());
  }

  async #lookInTurn(id: string): Promise<void> {
    try {
      await this.#look(id);
    } catch (error) {
      const { log, clock } = this.#options;
      log.error('a domain could not be looked at', { id, error: messageOf(error) });
      const one = this.#book.get(id);
      if (one !== null) one.record = { ...one.record, nextCheckAt: clock.wall() + AFTER_FAULT_MS };
    }
    this.#arm();
  }

  async #look(id: string): Promise<void> {
    const one = this.#book.get(id);
    if (one === null || this.#looking.has(id)) return;
    this.#looking.add(id);
    try {
      const findings = await this.#looks.at(one.record, this.#isCovered(one.record));
      // One after the other: what one proves the next one has to know.
      const applied = this.#turn.then(() => this.#apply(id, findings));
      this.#turn = applied.catch(() => {});
      await applied;
    } finally {
      this.#looking.delete(id);
    }
  }

  /** A name above it is proved by the same tenant, and itself by nobody else. */
  #isCovered({ id, hostname, tenant }: DomainRecord): boolean {
    return (this.#book.holderOf(hostname)?.record.id ?? id) === id && this.#book.ownerAbove(hostname) === tenant;
  }

  async #apply(id: string, findings: Findings): Promise<void> {
    const one = this.#book.get(id);
    if (one === null) return;
    const { clock, random } = this.#options;
    const now = clock.wall();
    const before = one.record;
    const holder = this.#book.holderOf(before.hostname);
    let found = findings.ownership;
    if (found.outcome === 'proved' && holder !== null && holder.record.id !== id) {
      // Only the record that was asked of this tenant takes a hostname from another one.
      if (found.method !== 'txt') found = { outcome: 'missing', diagnosis: [], seen: found.seen };
      else if (!(await this.#takeFrom(holder, before))) return;
    }
    const ownership = afterLook(before.ownership, found, now);
    const isSame = ownership.state === before.ownership.state && findings.dns.state === before.dns.state;
    const checks = isSame ? before.checks + 1 : 1;
    const looked = { ...before, ownership, dns: findings.dns, checkedAt: now, checks };
    const record = { ...looked, nextCheckAt: now + lookAgainMs(looked, random()) };
    if (!(await this.#write(one, record))) return;
    tellChange(this.#options.emit, before, record);
    if (!isSame) this.onChange(record.hostname);
  }

  #newProof(): string {
    return Buffer.from(this.#options.randomBytes(PROOF_BYTES)).toString('hex');
  }

  /** The holder loses the hostname before another one has it. */
  async #takeFrom(holder: BookedDomain, { tenant, hostname }: DomainRecord): Promise<boolean> {
    const { record } = holder;
    const diagnosis: Diagnosis = {
      code: 'domain.held_by_other',
      detail: `Another tenant has proved ${hostname} by its DNS records.`,
      fix: 'If the domain is yours, set the TXT record that is asked for now; the old value proves nothing any more.',
    };
    // The value that stood there while another one proved it proves nothing any more.
    const lost = { ...record, proof: this.#newProof(), ownership: taken(record.ownership, diagnosis) };
    if (!(await this.#write(holder, lost))) return false;
    for (const to of [record.tenant, tenant]) {
      this.#options.emit({
        type: 'domain.taken',
        tenant: to,
        cause: `${hostname} was proved anew`,
        data: { hostname },
      });
    }
    return true;
  }

  /** False: another process was quicker; what it wrote counts. */
  async #write(one: BookedDomain, record: DomainRecord): Promise<boolean> {
    const { store } = this.#options;
    try {
      this.#book.put(record, await store.putDocument(KIND, record.id, record, one.version));
      return true;
    } catch (error) {
      if (!isTidegateError(error, 'store.conflict')) throw error;
      const kept = await store.document(KIND, record.id);
      if (kept === null) this.#book.drop(record.id);
      else this.#book.put(kept.body as DomainRecord, kept.version);
      this.onChange(record.hostname);
      return false;
    }
  }

  #view(record: DomainRecord): DomainView {
    const { edge, issuance } = this.#options;
    const owner = this.#book.ownerOf(record.hostname);
    const isHeld = owner !== null && owner !== record.tenant;
    const certificate = issuance(record.hostname);
    return viewOf(record, { edge, addresses: [...this.#looks.addresses], certificate, isHeld });
  }
}
