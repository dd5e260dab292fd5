/**
 * Proves to a certificate authority that a hostname is ours: shows what it will ask for, tells it to come, waits for its
 * verdict, and takes back what was shown whatever that is.
 */
import type { Authorization } from 'acme-client';
import type { Challenge } from 'acme-client/types/rfc8555.js';
import type { Clock } from '#core/clock';
import { messageOf } from '#core/errors';
import type { Log } from '#core/log';
import { challengeCertificate } from '../challenge-certificate.ts';
import type { ChallengeBoard } from '../challenges.ts';
import { AcmeFault } from './acme-fault.ts';
import type { AcmeSession } from './acme-session.ts';
import type { DnsProvider } from './dns-01/dns-provider.ts';
import { pause } from './pause.ts';

export const CHALLENGE_TYPES = ['http-01', 'tls-alpn-01', 'dns-01'] as const;
export type ChallengeType = (typeof CHALLENGE_TYPES)[number];

/** An authority validates within seconds; what takes longer than this is given up. */
const VERDICT_MS = 120_000;
const FIRST_LOOK_MS = 50;
const LAST_LOOK_MS = 3000;
const DNS_SEEN_MS = 60_000;
const DNS_LOOK_MS = 1000;

export interface ChallengeSolverOptions {
  readonly board: ChallengeBoard;
  /** In the order they are tried. */
  readonly challenges: readonly ChallengeType[];
  /** Null: dns-01 cannot be used. */
  readonly dns: DnsProvider | null;
  /** Where the record of dns-01 has to stand: `_acme-challenge.<hostname>`, or what that is an alias of. */
  readonly challengeName: (hostname: string) => Promise<string>;
  /** Whether resolvers see the value there. */
  readonly seesTxt: (name: string, value: string) => Promise<boolean>;
  readonly clock: Clock;
  readonly log: Log;
}

export class ChallengeSolver {
  readonly #options: ChallengeSolverOptions;

  constructor(options: ChallengeSolverOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the authority is content.
   * @throws AcmeFault with what it says otherwise
   */
  async solve(session: AcmeSession, authorization: Authorization, signal: AbortSignal): Promise<void> {
    if (authorization.status === 'valid') return;
    const hostname = authorization.identifier.value;
    const isWildcard = (authorization as { wildcard?: boolean }).wildcard === true;
    const challenge = this.#choose(authorization, isWildcard);
    const keyAuthorization = await session.keyAuthorization(challenge);
    const takeBack = await this.#show(challenge, { hostname, keyAuthorization }, signal);
    try {
      if (challenge.status === 'pending') await session.complete(challenge);
      await this.#verdict(session, authorization, signal);
    } finally {
      await takeBack();
    }
  }

  #choose({ challenges, identifier }: Authorization, isWildcard: boolean): Challenge {
    const usable = this.#options.challenges.filter((type) =>
      type === 'dns-01' ? this.#options.dns !== null : !isWildcard,
    );
    for (const type of usable) {
      const challenge = challenges.find((one) => one.type === type);
      if (challenge !== undefined) return challenge;
    }
    const words = isWildcard
      ? 'a wildcard needs dns-01 and a DNS provider (TIDEGATE_ACME_DNS)'
      : `of ${usable.join(', ')} it offers none`;
    throw new AcmeFault({
      type: 'no_challenge',
      detail: `${identifier.value} cannot be validated: ${words}`,
      status: 400,
      retryAfterMs: null,
    });
  }

  /** Returns how to take it back. */
  async #show(
    challenge: Challenge,
    { hostname, keyAuthorization }: { readonly hostname: string; readonly keyAuthorization: string },
    signal: AbortSignal,
  ): Promise<() => Promise<void>> {
    const { board, dns, challengeName, log } = this.#options;
    const { token } = challenge;
    // The library's types know two of the three.
    const type: string = challenge.type;
    if (type === 'http-01') {
      await board.showHttp(token, keyAuthorization);
      return async () => board.hideHttp(token);
    }
    if (type === 'tls-alpn-01') {
      await board.showTls(hostname, challengeCertificate(hostname, keyAuthorization, this.#options.clock.wall()));
      return async () => board.hideTls(hostname);
    }
    if (dns === null) throw new Error('dns-01 was chosen without a provider');
    const name = await challengeName(hostname);
    // What cannot be removed does no harm but to the zone's looks.
    const clear = (): Promise<void> =>
      dns.clear(name, keyAuthorization, AbortSignal.timeout(DNS_SEEN_MS)).catch((error: unknown) => {
        log.warn('a TXT record of a challenge could not be removed', { name, error: messageOf(error) });
      });
    try {
      await dns.set(name, keyAuthorization, signal);
      await this.#seen(name, keyAuthorization, signal);
    } catch (error) {
      await clear();
      throw error;
    }
    return clear;
  }

  /** An authority that comes too early counts a failure: resolvers are waited for, within reason. */
  async #seen(name: string, value: string, signal: AbortSignal): Promise<void> {
    const { clock, seesTxt } = this.#options;
    const until = clock.now() + DNS_SEEN_MS;
    while (!(await seesTxt(name, value)) && clock.now() < until) await pause(clock, DNS_LOOK_MS, signal);
  }

  async #verdict(session: AcmeSession, { url }: Authorization, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const until = clock.now() + VERDICT_MS;
    for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(LAST_LOOK_MS, waitMs * 2)) {
      const now = await session.authorization(url);
      if (now.status === 'valid') return;
      if (now.status !== 'pending') throw verdictOf(now);
      if (clock.now() > until) {
        const detail = 'the authority has not come to validate in time';
        throw new AcmeFault({ type: 'serverInternal', detail, status: 504, retryAfterMs: null });
      }
      await session.wait(waitMs, signal);
    }
  }
}

/** The words of the challenge that failed. */
function verdictOf({ challenges, identifier, status }: Authorization): AcmeFault {
  const errors = challenges.map((one) => (one as { error?: { type?: string; detail?: string } }).error);
  const error = errors.find((one) => one !== undefined);
  return new AcmeFault({
    type: error?.type?.split(':').at(-1) ?? 'unauthorized',
    detail: error?.detail ?? `the authorization of ${identifier.value} is ${status}`,
    status: 403,
    retryAfterMs: null,
    isVerdict: true,
  });
}
