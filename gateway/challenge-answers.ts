/**
 * Answers of one gateway to certificate authorities that validate a hostname. They go before every route, redirect and
 * policy, and cost other requests nothing but a look whether there are any.
 */
import { createSecureContext } from 'node:tls';
import type { ServedCertificate } from '#certs/certificate-source';
import type { ChallengeBoard, ChallengeCertificate } from '#certs/challenges';

/** RFC 8555 8.3. */
const PREFIX = '/.well-known/acme-challenge/';

export class ChallengeAnswers implements ChallengeBoard {
  readonly #authorizations = new Map<string, string>();
  readonly #certificates = new Map<string, ServedCertificate>();
  /** Whether any answer over plain HTTP is there. */
  hasTokens = false;

  /** The key authorization that a request for this path gets; null: it is a request like any other. */
  answerFor(method: string, path: string): string | null {
    if (!path.startsWith(PREFIX) || (method !== 'GET' && method !== 'HEAD')) return null;
    return this.#authorizations.get(path.slice(PREFIX.length)) ?? null;
  }

  /** What a client that offers acme-tls/1 for this hostname is shown; null: no such order. */
  challengeFor(hostname: string): ServedCertificate | null {
    return this.#certificates.get(hostname) ?? null;
  }

  async showHttp(token: string, keyAuthorization: string): Promise<void> {
    this.#authorizations.set(token, keyAuthorization);
    this.hasTokens = true;
  }

  hideHttp(token: string): void {
    this.#authorizations.delete(token);
    this.hasTokens = this.#authorizations.size > 0;
  }

  async showTls(hostname: string, { chain, key }: ChallengeCertificate): Promise<void> {
    const context = createSecureContext({ cert: chain, key, minVersion: 'TLSv1.2' });
    this.#certificates.set(hostname, { context, covers: (name) => name === hostname });
  }

  hideTls(hostname: string): void {
    this.#certificates.delete(hostname);
  }
}
