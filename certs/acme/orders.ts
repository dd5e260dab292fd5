/**
 * Orders of single certificates: asks the authority whose turn it is, puts what it issues into the vault, and keeps word for
 * word what it says otherwise, with the time of the next try.
 */
import type { Clock } from '#core/clock';
import { isTidegateError, messageOf } from '#core/errors';
import type { EventSink } from '#core/event';
import type { Log } from '#core/log';
import type { Lease } from '#store/store';
import type { Diagnosis } from '../dns/diagnosis.ts';
import type { CertificateVault } from '../vault/certificate-vault.ts';
import { IMPORTED, type KeptCertificate } from '../vault/kept-certificate.ts';
import type { SealedBox } from '../vault/sealed-box.ts';
import { AcmeFault } from './acme-fault.ts';
import { type Authorities, type Authority, isRenewal } from './authorities.ts';
import type { ChallengeSolver } from './challenge-solver.ts';
import { type IssuanceRecord, renewalAt, retryDelayMs } from './issuance-record.ts';
import { type OrderKeyType, runOrder } from './order-run.ts';

/** After a refusal for asking too often that does not say how long to wait. */
const PAUSE_MS = 60_000;

export interface Wish {
  /** Normalised; may be a wildcard. */
  readonly hostname: string;
  readonly tenant: string | null;
  /** Asked right before an order, with the directory of the authority; empty: nothing stands in the way. */
  readonly check: (hostname: string, directory: string) => Promise<readonly Diagnosis[]>;
  /** Whether it is still worth a renewal. */
  readonly isAlive: () => Promise<boolean>;
}

/** What another certificate is asked for in the place of; once something else is in force, whoever ordered it, it is done. */
export interface Ask {
  /** Null: there was none. */
  readonly insteadOf: string | null;
}

/** A hostname that a certificate is to be had for. */
export interface WantedCertificate {
  wish: Wish | null;
  record: IssuanceRecord;
  running: boolean;
  /** Somebody asks for it now, whether or not it is due; null: nobody does. */
  asked: Ask | null;
  /** Somebody came for it while it was being seen to. */
  hurried?: boolean;
}

export interface OrderTerms {
  readonly lease: Lease;
  readonly authority: Authority;
  /** What is in force; null: nothing. */
  readonly current: KeptCertificate | null;
}

export interface OrderCounts {
  readonly ordered: number;
  readonly issued: number;
  readonly failed: number;
}

export interface OrdersOptions {
  readonly vault: CertificateVault;
  readonly box: SealedBox;
  readonly authorities: Authorities;
  readonly solver: ChallengeSolver;
  readonly clock: Clock;
  readonly log: Log;
  readonly emit: EventSink;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
  readonly keyType: OrderKeyType;
  /** Puts a record in force and keeps it. */
  readonly save: (entry: WantedCertificate, record: IssuanceRecord) => Promise<void>;
  /** Aborted when no order is to go on. */
  readonly signal: AbortSignal;
}

export class Orders {
  readonly #options: OrdersOptions;
  readonly counts = { ordered: 0, issued: 0, failed: 0 };

  constructor(options: OrdersOptions) {
    this.#options = options;
  }

  /** Orders, or goes on with an order, and keeps what comes of it. */
  async run(entry: WantedCertificate, wish: Wish, { lease, authority, current }: OrderTerms): Promise<void> {
    const { vault, solver, box, clock, keyType, emit } = this.#options;
    const { hostname } = entry.record;
    const isFirst = current === null;
    const open = entry.record.order?.ca === authority.directory ? entry.record.order : null;
    const ca = authority.directory;
    await this.#options.save(entry, { ...entry.record, state: isFirst ? 'issuing' : 'renewing', ca });
    const about = { tenant: wish.tenant, data: { hostname, ca } };
    const startedAt = clock.now();
    try {
      const session = await authority.session();
      const ledger = await authority.ledger();
      const onOrdered = async (): Promise<void> => {
        this.counts.ordered++;
        await ledger.ordered();
        emit({ type: 'certificate.ordered', ...about, cause: isFirst ? 'there is none yet' : 'it is time to renew' });
      };
      const save = async (order: IssuanceRecord['order']): Promise<void> => {
        await this.#options.save(entry, {
          ...entry.record,
          order,
          orderedAt: order === null ? entry.record.orderedAt : clock.wall(),
        });
      };
      const replaces = isRenewal(authority, [hostname], current) ? current.renewal.ariId : null;
      const run = { session, solver, box, clock, keyType, replaces, onOrdered, save };
      const { result: issued, waitedMs } = await session.timed(() =>
        runOrder([hostname], open, run, this.#options.signal),
      );
      // The authority counts it, whatever becomes of it here.
      await ledger.issued([hostname]);
      const certificate = await vault.put({ tenant: wish.tenant, names: [hostname], ...issued, issuer: ca, lease });
      this.counts.issued++;
      await this.#options.save(entry, heldRecord(entry.record, certificate, clock.wall(), this.#options.random()));
      const ms = Math.round(clock.now() - startedAt);
      const authorityMs = Math.round(waitedMs);
      const cause = `${ca} issued it in ${ms} ms, ${authorityMs} of them its own`;
      const type = isFirst ? 'certificate.issued' : 'certificate.renewed';
      emit({
        type,
        ...about,
        cause,
        data: { ...about.data, certificate: certificate.id, ms, authority_ms: authorityMs },
      });
    } catch (error) {
      if (this.#options.signal.aborted) throw error;
      await this.#failed(entry, authority, error);
      emit({ type: 'certificate.failed', ...about, cause: entry.record.lastError?.detail ?? messageOf(error) });
    }
  }

  async #failed(entry: WantedCertificate, authority: Authority, error: unknown): Promise<void> {
    const { clock, random, log } = this.#options;
    const { record } = entry;
    const { hostname } = record;
    const now = clock.wall();
    const fault = error instanceof AcmeFault ? error : null;
    this.counts.failed++;
    const ledger = await authority.ledger();
    if (fault?.isValidation === true) await ledger.failed([hostname]);
    if (fault?.type === 'accountDoesNotExist') await authority.forgetAccount();
    // What it says of the account it would say of every hostname; a tenant's own limits hold nobody else.
    if (fault?.isAccountLimit === true) await ledger.close(now + Math.max(fault.retryAfterMs ?? 0, PAUSE_MS));
    log.warn('a certificate could not be had', { hostname, ca: authority.directory, error: messageOf(error) });
    const attempts = record.attempts + 1;
    // A pause of the whole account is the ledger's matter: another authority may have room.
    const asked = fault === null || fault.isAccountLimit ? 0 : (fault.retryAfterMs ?? 0);
    const delay = Math.max(asked, retryDelayMs(attempts, random()));
    const type = fault?.type ?? (isTidegateError(error) ? error.code : 'internal');
    await this.#options.save(entry, {
      ...record,
      state: fault?.isRateLimit === true ? 'rate-limited' : await this.#stateOf(record),
      attempts,
      caFailures: fault === null ? record.caFailures : fault.isOfAuthority ? record.caFailures + 1 : 0,
      lastError: { type, detail: messageOf(error), at: now },
      // What it made of the order is of no use.
      ...(type === 'certs.unfit' ? { order: null } : {}),
      nextAttemptAt: now + delay,
    });
  }

  async #stateOf({ hostname, certificateId }: IssuanceRecord): Promise<'failed' | 'expired'> {
    if (certificateId === null) return 'failed';
    return (await this.#options.vault.newestFor(hostname)) === null ? 'expired' : 'failed';
  }
}

/** The record with a certificate in force, until its renewal is due. @param now Unix ms @param random 0 ≤ n < 1 */
export function heldRecord(
  record: IssuanceRecord,
  certificate: KeptCertificate,
  now: number,
  random: number,
): IssuanceRecord {
  const { id, notBefore, notAfter, issuer, renewal } = certificate;
  const nextAttemptAt = renewalAt(notBefore, notAfter, random);
  return {
    ...record,
    ...{ state: 'valid', certificateId: id, attempts: 0, caFailures: 0, lastError: null, nextAttemptAt },
    // Its authority may know better when.
    lookAt: issuer === IMPORTED || renewal.ariId === null ? null : Math.max(now, notBefore),
    // Whatever was under way has come to its end: a renewal is an order of its own.
    order: null,
  };
}
