/**
 * One account at one certificate authority: the steps of RFC 8555 by acme-client, each a call of its own, with the
 * authority's problem documents kept. Nothing is retried here but a nonce that was refused.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { X509Certificate } from 'node:crypto';
import { Agent } from 'node:https';
import { rootCertificates } from 'node:tls';
import { type Authorization, axios, Client, type Order } from 'acme-client';
import type { Challenge } from 'acme-client/types/rfc8555.js';
import type { Clock } from '#core/clock';
import { messageOf } from '#core/errors';
import { AcmeAccount, type AcmeAccountOptions } from './acme-account.ts';
import { AcmeFault, faultOf, retryAfterMs } from './acme-fault.ts';
import { pause } from './pause.ts';
import { type RenewalInfo, renewalInfoOf } from './renewal-info.ts';

const CALL_MS = 30_000;
const NONCE_TRIES = 5;
/** What is not said against the certificate that an order is to replace (RFC 8555 6.7). */
const OTHER_FAULTS: ReadonlySet<string> = new Set(['badNonce', 'accountDoesNotExist']);
/** Advice is not worth a long wait. */
const ADVICE_MS = 10_000;

export interface AcmeSessionOptions extends AcmeAccountOptions {
  readonly clock: Clock;
}

interface CallOptions {
  httpsAgent?: Agent;
  timeout?: number;
}

interface Answer {
  readonly status: number;
  readonly data: unknown;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** What the library reads beside the usual defaults. */
interface ClientDefaults {
  acmeSettings: { retryMaxAttempts: number };
}

/** What lies beneath the client's methods: every call goes through it. */
interface Inner {
  http: {
    request(url: string, method: string, options?: CallOptions): Promise<Answer>;
    getDirectory(): Promise<Readonly<Record<string, unknown>>>;
  };
}

export class AcmeSession {
  readonly directory: string;
  readonly #options: AcmeSessionOptions;
  readonly #client: Client;
  readonly #account: AcmeAccount;
  /** Of the call that is made, as calls of several orders are under way at a time. */
  readonly #calls = new AsyncLocalStorage<{ fault: AcmeFault | null }>();
  /** How long the work under way has waited for the authority. */
  readonly #waits = new AsyncLocalStorage<{ ms: number }>();

  private constructor(options: AcmeSessionOptions, account: AcmeAccount) {
    const { ca } = options;
    const { key, url } = account;
    this.#options = options;
    this.#account = account;
    this.directory = ca.directory;
    this.#client = new Client({
      directoryUrl: ca.directory,
      accountKey: key,
      ...(url === null ? {} : { accountUrl: url }),
      ...(ca.eab === null ? {} : { externalAccountBinding: { kid: ca.eab.kid, hmacKey: ca.eab.hmac } }),
    });
    this.#watch();
  }

  /**
   * The account at the authority; made, and kept, if there is none yet.
   * @throws AcmeFault, TidegateError of the `store.` family
   */
  static async open(options: AcmeSessionOptions): Promise<AcmeSession> {
    const account = await AcmeAccount.open(options);
    const session = new AcmeSession(options, account);
    if (account.url === null) await session.#register();
    return session;
  }

  async #register(): Promise<void> {
    const { email } = this.#options.ca;
    const contact = email === null ? [] : [`mailto:${email}`];
    await this.#call(() => this.#client.createAccount({ termsOfServiceAgreed: true, contact }));
    await this.#account.registered(this.#client.getAccountUrl());
  }

  /** The authority has forgotten the account: the next one that is opened makes it anew, with the same key. */
  forget(): Promise<void> {
    return this.#account.registered(null);
  }

  /** Does work, and tells how many ms of it went by in waiting for the authority. */
  async timed<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly waitedMs: number }> {
    const waits = { ms: 0 };
    const result = await this.#waits.run(waits, work);
    return { result, waitedMs: waits.ms };
  }

  /** Lets the authority get on. @throws the reason of the signal */
  wait(ms: number, signal: AbortSignal): Promise<void> {
    return this.#waiting(() => pause(this.#options.clock, ms, signal));
  }

  /**
   * @param replaces what the authority calls the certificate that is to be renewed (RFC 9773 5)
   * @throws AcmeFault, here and below
   */
  async newOrder(names: readonly string[], replaces: string | null): Promise<Order> {
    const identifiers = names.map((value) => ({ type: 'dns', value }));
    const order = (more: object): Promise<Order> =>
      this.#call(() => this.#client.createOrder({ identifiers, ...more }));
    if (replaces === null || (await this.#renewalUrl()) === null) return order({});
    try {
      return await order({ replaces });
    } catch (error) {
      // Whatever it has against that: an order like any other may still do.
      if (!(error instanceof AcmeFault) || error.status < 400 || error.status > 499) throw error;
      if (error.isRateLimit || OTHER_FAULTS.has(error.type)) throw error;
      return order({});
    }
  }

  /** Its advice when to renew a certificate; null: it gives none. @param id see `renewalIdOf` */
  async renewalInfo(id: string): Promise<RenewalInfo | null> {
    const url = await this.#renewalUrl();
    if (url === null) return null;
    const { data, headers } = await this.#call(async () => {
      const answer = await this.#inner.request(`${url.replace(/\/$/, '')}/${id}`, 'get', {
        timeout: ADVICE_MS,
      });
      if (answer.status >= 400) throw this.#faultOf(answer);
      return answer;
    });
    return renewalInfoOf(data, retryAfterMs(headers['retry-after'], this.#options.clock.wall()));
  }

  async #renewalUrl(): Promise<string | null> {
    const { renewalInfo } = await this.#call(() => this.#inner.getDirectory());
    return typeof renewalInfo === 'string' ? renewalInfo : null;
  }

  order(url: string): Promise<Order> {
    return this.#call(() => this.#client.getOrder({ url } as Order));
  }

  authorizations(order: Order): Promise<Authorization[]> {
    return this.#call(() => this.#client.getAuthorizations(order));
  }

  /** One of them, as it is now. */
  async authorization(url: string): Promise<Authorization> {
    const [found] = await this.authorizations({ authorizations: [url] } as Order);
    if (found === undefined) throw new Error('the client returned no authorization');
    return found;
  }

  keyAuthorization(challenge: Challenge): Promise<string> {
    return this.#client.getChallengeKeyAuthorization(challenge);
  }

  /** The answer is there: the authority may come. */
  complete(challenge: Challenge): Promise<unknown> {
    return this.#call(() => this.#client.completeChallenge(challenge));
  }

  finalize(order: Order, csr: Buffer): Promise<Order> {
    return this.#call(() => this.#client.finalizeOrder(order, csr));
  }

  /** The chain as PEM, of an order that is valid. */
  certificate(order: Order): Promise<string> {
    return this.#call(() => this.#client.getCertificate(order, this.#options.ca.chain ?? undefined));
  }

  /** @param reason as RFC 5280 5.3.1 numbers it */
  async revoke(chain: string, reason: number): Promise<void> {
    const leaf = new X509Certificate(chain).toString();
    try {
      await this.#call(() => this.#client.revokeCertificate(leaf, { reason }));
    } catch (error) {
      // By a process that came no further.
      if (!(error instanceof AcmeFault) || error.type !== 'alreadyRevoked') throw error;
    }
  }

  /** A nonce that was refused has changed nothing: the call is made again, beyond what the client does by itself. */
  async #call<T>(run: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#callOnce(run);
      } catch (error) {
        if (!(error instanceof AcmeFault) || error.type !== 'badNonce' || tries === NONCE_TRIES) throw error;
      }
    }
  }

  async #waiting<T>(run: () => Promise<T>): Promise<T> {
    const { clock } = this.#options;
    const startedAt = clock.now();
    try {
      return await run();
    } finally {
      const waits = this.#waits.getStore();
      if (waits !== undefined) waits.ms += clock.now() - startedAt;
    }
  }

  async #callOnce<T>(run: () => Promise<T>): Promise<T> {
    const call: { fault: AcmeFault | null } = { fault: null };
    try {
      return await this.#waiting(() => this.#calls.run(call, run));
    } catch (error) {
      if (error instanceof AcmeFault) throw error;
      if (call.fault !== null) throw call.fault;
      throw new AcmeFault({ type: 'unreachable', detail: wordsOf(error), status: 0, retryAfterMs: null }, error);
    }
  }

  /** Keeps what the authority says, which the client makes one line of, and gives every call its time and its roots. */
  #watch(): void {
    // Of the library as a whole: it would wait for minutes within a call.
    (axios.defaults as unknown as ClientDefaults).acmeSettings.retryMaxAttempts = 0;
    const { root } = this.#options.ca;
    const agent = root === null ? null : new Agent({ ca: [...rootCertificates, root] });
    const http = this.#inner;
    const request = http.request.bind(http);
    http.request = async (url, method, options = {}) => {
      if (agent !== null) options.httpsAgent = agent;
      options.timeout ??= CALL_MS;
      const answer = await request(url, method, options);
      const call = this.#calls.getStore();
      if (call !== undefined) call.fault = null;
      if (answer.status >= 400 && call !== undefined) call.fault = this.#faultOf(answer);
      if (url === this.directory && answer.status < 400 && !isDirectory(answer.data)) {
        // The library would keep it for a day.
        const detail = `what it answers at ${url} is no directory of an authority`;
        throw new AcmeFault({ type: 'serverInternal', detail, status: 502, retryAfterMs: null });
      }
      return answer;
    };
  }

  get #inner(): Inner['http'] {
    return (this.#client as unknown as Inner).http;
  }

  #faultOf({ status, data, headers }: Answer): AcmeFault {
    return faultOf({ status, data, retryAfter: headers['retry-after'], now: this.#options.clock.wall() });
  }
}

function isDirectory(data: unknown): boolean {
  return typeof (data as { newOrder?: unknown } | null)?.newOrder === 'string';
}

/** Where nothing answers, the library stumbles over the answer that is not there. */
function wordsOf(error: unknown): string {
  return error instanceof TypeError ? 'the authority cannot be reached' : messageOf(error);
}
