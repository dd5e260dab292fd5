/**
 * Keeps the answers of OCSP responders at hand for certificates that ask for them (RFC 7633): clients refuse such a
 * certificate without one. An answer is shown as long as it holds and fetched anew at half of that time; a responder that is
 * gone for a while harms nobody.
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
const CALL_MS = 10_000;
const ANSWER_MAX_BYTES = 100_000;
const PAGE = 1000;

export interface StaplesOptions {
  readonly vault: Pick<CertificateVault, 'list' | 'chain' | 'update'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly emit: EventSink;
}

export class Staples {
  readonly #options: StaplesOptions;
  readonly #closing = new AbortController();
  #timer: Timer | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(options: StaplesOptions) {
    this.#options = options;
  }

  /** Looks soon, as certificates have changed, and then again and again. */
  changed(): void {
    if (this.#closing.signal.aborted) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(SETTLE_MS, () => this.#look());
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('Tidegate ends'));
    this.#timer?.cancel();
    await this.#running;
  }

  #look(): void {
    const { clock, log } = this.#options;
    this.#running = this.#running
      .then(() => this.#lookAtAll())
      .catch((error: unknown) => {
        if (!this.#closing.signal.aborted)
          log.error('OCSP answers could not be looked after', { error: messageOf(error) });
      });
    this.#timer = clock.after(LOOK_MS, () => this.#look());
  }

  async #lookAtAll(): Promise<void> {
    const { vault } = this.#options;
    for (let after: string | null = null; ; ) {
      const page = await vault.list({ after, limit: PAGE });
      for (const one of page) if (this.#isDue(one)) await this.#fetch(one);
      if (page.length < PAGE) return;
      after = page.at(-1)?.id ?? null;
    }
  }

  #isDue({ state, mustStaple, ocspUrl, staple }: KeptCertificate): boolean {
    if (state !== 'valid' || !mustStaple || ocspUrl === null) return false;
    return staple == null || this.#options.clock.wall() >= (staple.from + staple.until) / 2;
  }

  async #fetch({ id, names, tenant, ocspUrl }: KeptCertificate): Promise<void> {
    const { vault, clock, log, emit } = this.#options;
    const question = certificateIdOf((await vault.chain(id)) ?? '');
    if (question === null || ocspUrl === null) return;
    this.#closing.signal.throwIfAborted();
    try {
      const answer = await this.#ask(ocspUrl, ocspRequest(question.id));
      const { status, thisUpdate, nextUpdate } = readOcspResponse(answer, { ...question, now: clock.wall() });
      if (status === 'revoked') {
        await vault.update(id, { state: 'revoked' });
        const cause = 'its authority says so';
        emit({ type: 'certificate.revoked', tenant, cause, data: { certificate: id, names } });
        return;
      }
      if (status !== 'good') throw new Error('the responder does not know the certificate');
      const staple = { der: answer.toString('base64'), from: thisUpdate, until: nextUpdate };
      await vault.update(id, { staple });
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      log.warn('no OCSP answer for a certificate that needs one', {
        names,
        responder: ocspUrl,
        error: messageOf(error),
      });
    }
  }

  async #ask(url: string, request: Buffer): Promise<Buffer> {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/ocsp-request', accept: 'application/ocsp-response' },
      body: new Uint8Array(request),
      redirect: 'error',
      signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(CALL_MS)]),
    });
    if (!answer.ok) throw new Error(`the responder answered ${answer.status}`);
    const octets = Buffer.from(await answer.arrayBuffer());
    if (octets.length > ANSWER_MAX_BYTES) throw new Error('the answer is too long');
    return octets;
  }
}
