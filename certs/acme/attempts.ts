/**
 * What is done for one hostname when its time has come: takes note of a certificate that is there, asks when to renew it,
 * orders if nothing stands in the way, and says when one comes to its end without another.
 */
import { messageOf } from '#core/errors';
import type { Lease } from '#store/store';
import { IMPORTED, type KeptCertificate } from '../vault/kept-certificate.ts';
import { type IssuanceRecord, retryDelayMs } from './issuance-record.ts';
import {
  heldRecord,
  type OrderCounts,
  Orders,
  type OrdersOptions,
  type WantedCertificate,
  type Wish,
} from './orders.ts';
import { planRenewal } from './renewal-info.ts';

const HOUR_MS = 3_600_000;
/** A name that cannot be reached is not renewed; it is looked at again. */
const ASLEEP_MS = 24 * HOUR_MS;
/** Checks that say no are repeated sooner than orders that fail: they cost nobody anything. */
const CHECK_AGAIN_MAX_MS = HOUR_MS;
/** A certificate that is not ours to renew is followed until so long before its end. */
const FOLLOWED_MS = 3 * ASLEEP_MS;
/** With so much of its life left, a certificate that is not renewed is a matter for people. */
const EXPIRING_SHARE = 1 / 6;

export interface AttemptsOptions extends OrdersOptions {
  /** The record as it is kept; null: there is none yet. */
  readonly kept: (hostname: string) => Promise<IssuanceRecord | null>;
}

export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #orders: Orders;

  constructor(options: AttemptsOptions) {
    this.#options = options;
    this.#orders = new Orders(options);
  }

  /** What became of orders since the start. */
  get counts(): OrderCounts {
    return this.#orders.counts;
  }

  /** Does what is due, while the lease of the hostname is held. */
  async run(entry: WantedCertificate, lease: Lease): Promise<void> {
    const { vault, clock, random, save } = this.#options;
    const { hostname } = entry.record;
    const { wish } = entry;
    if (wish === null) return;
    // Another process may have been at it.
    entry.record = (await this.#options.kept(hostname)) ?? entry.record;
    const current = await vault.newestFor(hostname);
    const now = clock.wall();
    const { nextAttemptAt } = entry.record;
    // Where nothing is in force nobody has done it.
    const isAsked = entry.asked !== null && (current === null || entry.asked.insteadOf === current.id);
    const isWanted = isAsked || (nextAttemptAt !== null && nextAttemptAt <= now);
    entry.asked = null;
    if (current !== null && current.id !== entry.record.certificateId) {
      await save(entry, heldRecord(entry.record, current, now, random()));
      return;
    }
    if (current === null && !isWanted && nextAttemptAt !== null) {
      // There is nothing to renew, and its next try is not due.
      await save(entry, { ...entry.record, lookAt: null });
      return;
    }
    const isOwn = current?.names.includes(hostname) && current.issuer !== IMPORTED;
    if (current !== null && !isOwn && current.notAfter - now > FOLLOWED_MS) {
      // A wildcard that covers it, or one that somebody brought, is for others to renew.
      const held = heldRecord(entry.record, current, now, random());
      await save(entry, { ...held, lookAt: null, nextAttemptAt: current.notAfter - FOLLOWED_MS });
      return;
    }
    if (current !== null && !isWanted) {
      await this.#look(entry, current);
      return;
    }
    if (current !== null && !(await wish.isAlive())) {
      await save(entry, { ...entry.record, state: 'valid', nextAttemptAt: now + ASLEEP_MS });
      await this.#warn(entry, current, 'the hostname does not lead here any more');
      return;
    }
    await this.#order(entry, { wish, lease, current });
    if (current !== null) await this.#warn(entry, current, entry.record.lastError?.detail ?? 'it is not known why');
  }

  /** Asks its authority when to renew a certificate, and plans for that. */
  async #look(entry: WantedCertificate, current: KeptCertificate): Promise<void> {
    const { authorities, vault, clock, random, log, save } = this.#options;
    const { record } = entry;
    const { ariId } = current.renewal;
    const authority = authorities.find(current.issuer);
    if (ariId === null || authority === null) {
      const planned = record.nextAttemptAt === null ? heldRecord(record, current, clock.wall(), random()) : record;
      await save(entry, { ...planned, lookAt: null });
      return;
    }
    const info = await authority
      .session()
      .then((session) => session.renewalInfo(ariId))
      .catch((error: unknown) => {
        // It is asked again; until then the plan stands.
        log.debug('an authority gave no advice on a renewal', { hostname: record.hostname, error: messageOf(error) });
        return null;
      });
    const planned = record.nextAttemptAt;
    const plan = planRenewal({ certificate: current, info, planned, now: clock.wall(), random });
    await vault.update(current.id, { renewal: plan.note });
    // A renewal that has failed is tried again when that is due, whatever the advice.
    const nextAttemptAt = record.attempts > 0 ? planned : plan.renewAt;
    await save(entry, { ...record, nextAttemptAt, lookAt: plan.lookAt });
  }

  /** Orders, unless something stands in the way: then that is said instead. */
  async #order(
    entry: WantedCertificate,
    { wish, lease, current }: { wish: Wish; lease: Lease; current: KeptCertificate | null },
  ): Promise<void> {
    const { authorities, clock, random, save } = this.#options;
    const { record } = entry;
    const { authority, room, limit } = await authorities.choose(record, [record.hostname], current);
    using _room = room;
    const at = clock.wall();
    if (limit !== null) {
      const detail = `${limit.limit} are the limit of the authority; no order is made before there is room`;
      const lastError = { type: 'ledger', detail, at };
      await save(entry, { ...record, state: 'rate-limited', lastError, nextAttemptAt: limit.freeAt });
      return;
    }
    // An order that is under way has passed.
    const isUnderWay = record.order?.ca === authority.directory;
    const [diagnosis] = isUnderWay ? [] : await wish.check(record.hostname, authority.directory);
    if (diagnosis !== undefined) {
      const attempts = record.attempts + 1;
      const delay = Math.min(CHECK_AGAIN_MAX_MS, retryDelayMs(attempts, random()));
      const lastError = { type: diagnosis.code, detail: diagnosis.detail, at };
      await save(entry, { ...record, state: 'failed', attempts, lastError, nextAttemptAt: at + delay });
      return;
    }
    await this.#orders.run(entry, wish, { lease, authority, current });
  }

  /** Says once of a certificate that it ends soon and has not been renewed. */
  async #warn(entry: WantedCertificate, current: KeptCertificate, why: string): Promise<void> {
    const { clock, emit, save } = this.#options;
    const { record } = entry;
    const { id, notBefore, notAfter } = current;
    const left = notAfter - clock.wall();
    const isRenewed = record.certificateId !== id;
    if (isRenewed || record.warnedOf === id || left > (notAfter - notBefore) * EXPIRING_SHARE) return;
    await save(entry, { ...record, warnedOf: id });
    emit({
      type: 'certificate.expiring',
      tenant: record.tenant,
      cause: `it ends in ${Math.max(0, Math.round(left / HOUR_MS))} h and has not been renewed: ${why}`,
      data: { hostname: record.hostname, certificate: id, not_after: new Date(notAfter).toISOString() },
    });
  }
}
