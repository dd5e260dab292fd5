/**
 * Keeps the answers of OCSP responders at hand for certificates that ask for them (RFC 7633): clients refuse such a
 * certificate without one. An answer is shown as long as it holds and fetched anew at half of that time; a responder that is
 * gone for a while harms nobody. Where a certificate says its responder is, a tenant has chosen: it is asked as one asks
 * strangers, and what is wrong with one certificate is no other tenant's matter.
 */
import type { Clock, Timer } from '#core/clock';
import { messageOf } from '#core/errors';
import type { EventSink } from '#core/event';
import type { Log } from '#core/log';
import type { CertificateVault } from '../vault/certificate-vault.ts';
import type { KeptCertificate } from '../vault/kept-certificate.ts';
import { certificateIdOf, ocspRequest } from './ocsp-request.ts';
import { readOcspResponse } from './ocsp-response.ts';

const LOOK_MS = 600_000;
const SETTLE_MS = 200;
/** Between two tries of a certificate, at least; twice as long after each failure. */
const AGAIN_MS = 600_000;
const AGAIN_MAX_MS = 21_600_000;
/** Tenants whose responders are asked at a time, each for one certificate after the other. */
const TENANTS_MAX = 4;

export interface StaplesOptions {
  readonly vault: Pick<CertificateVault, 'all' | 'get' | 'chain' | 'update'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly emit: EventSink;
  /** Asks a responder. @throws Error when there is no answer */
  readonly ask: (url: string, request: Buffer, signal: AbortSignal) => Promise<Buffer>;
}

interface Tries {
  /** Unix ms. */
  notBefore: number;
  failures: number;
}

export class Staples {
  readonly #options: StaplesOptions;
  readonly #closing = new AbortController();
  /** Certificates that ask for an answer, by id. */
  readonly #asking = new Map<string, Tries>();
  readonly #changed = new Set<string>();
  #settling: Timer | null = null;
  #timer: Timer | null = null;
  #running: Promise<void> | null = null;
  #again = false;

  constructor(options: StaplesOptions) {
    this.#options = options;
  }

  /** Finds the certificates that there are, and looks after them from then on. @throws TidegateError of the `store.` family */
  async start(): Promise<void> {
    for await (const one of this.#options.vault.all()) {
      if (this.#closing.signal.aborted) return;
      this.#consider(one);
    }
    this.#look();
  }

  /** Certificates have come or changed, by their ids. */
  changed(ids: readonly string[]): void {
    if (this.#closing.signal.aborted) return;
    for (const id of ids) this.#changed.add(id);
    this.#settling ??= this.#options.clock.after(SETTLE_MS, () => {
      this.#settling = null;
      this.#look();
    });
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('Tidegate ends'));
    this.#settling?.cancel();
    this.#timer?.cancel();
    await this.#running;
  }

  #consider({ id, state, mustStaple, ocspUrl }: KeptCertificate): void {
    if (state !== 'valid' || !mustStaple || ocspUrl === null) this.#asking.delete(id);
    else if (!this.#asking.has(id)) this.#asking.set(id, { notBefore: 0, failures: 0 });
  }

  #look(): void {
    if (this.#closing.signal.aborted) return;
    if (this.#running !== null) {
      this.#again = true;
      return;
    }
    this.#timer?.cancel();
    this.#running = this.#lookAtAll()
      .catch((error: unknown) => {
        if (this.#closing.signal.aborted) return;
        this.#options.log.error('OCSP answers could not be looked after', { error: messageOf(error) });
      })
      .finally(() => {
        this.#running = null;
        if (this.#closing.signal.aborted) return;
        this.#timer = this.#options.clock.after(LOOK_MS, () => this.#look());
        if (this.#again) {
          this.#again = false;
          this.#look();
        }
      });
  }

  async #lookAtAll(): Promise<void> {
    const { vault, clock } = this.#options;
    for (const id of [...this.#changed]) {
      this.#changed.delete(id);
      const kept = await vault.get(id);
      if (kept === null) this.#asking.delete(id);
      else this.#consider(kept);
    }
    const due = new Map<string | null, KeptCertificate[]>();
    for (const [id, { notBefore }] of [...this.#asking]) {
      if (notBefore > clock.wall()) continue;
      const kept = await vault.get(id);
      if (kept === null) this.#asking.delete(id);
      else if (this.#isDue(kept)) due.set(kept.tenant, [...(due.get(kept.tenant) ?? []), kept]);
    }
    const tenants = [...due.values()];
    const work = async (): Promise<void> => {
      for (let mine = tenants.pop(); mine !== undefined; mine = tenants.pop()) {
        for (const one of mine) await this.#fetch(one);
      }
    };
    await Promise.all(Array.from({ length: TENANTS_MAX }, work));
  }

  #isDue({ staple }: KeptCertificate): boolean {
    return staple == null || this.#options.clock.wall() >= (staple.from + staple.until) / 2;
  }

  async #fetch({ id, names, tenant, ocspUrl, staple }: KeptCertificate): Promise<void> {
    const { vault, clock, log, emit, ask } = this.#options;
    const tries = this.#asking.get(id);
    if (ocspUrl === null || tries === undefined) return;
    this.#closing.signal.throwIfAborted();
    try {
      const question = certificateIdOf((await vault.chain(id)) ?? '');
      if (question === null) throw new Error('its chain does not hold who signed it');
      const answer = await ask(ocspUrl, ocspRequest(question.id), this.#closing.signal);
      const { status, thisUpdate, nextUpdate } = readOcspResponse(answer, { ...question, now: clock.wall() });
      Object.assign(tries, { notBefore: clock.wall() + AGAIN_MS, failures: 0 });
      if (status === 'revoked') {
        await vault.update(id, { state: 'revoked' });
        const cause = 'its authority says so';
        emit({ type: 'certificate.revoked', tenant, cause, data: { certificate: id, names } });
        return;
      }
      if (status !== 'good') throw new Error('the responder does not know the certificate');
      const der = answer.toString('base64');
      if (der !== staple?.der) await vault.update(id, { staple: { der, from: thisUpdate, until: nextUpdate } });
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      tries.failures++;
      tries.notBefore = clock.wall() + Math.min(AGAIN_MAX_MS, AGAIN_MS * 2 ** (tries.failures - 1));
      log.warn('no OCSP answer for a certificate that needs one', {
        names,
        responder: ocspUrl,
        error: messageOf(error),
      });
    }
  }
}
