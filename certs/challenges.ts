/**
 * The port between who orders certificates and whoever meets the certificate authority that comes to validate: all
 * gateways of a deployment answer, as nobody knows which of them it will reach.
 */

/** Shows answers to challenges on every gateway. Promises resolve when every gateway that serves has them. */
export interface ChallengeBoard {
  /** HTTP-01 (RFC 8555 8.3). */
  showHttp(token: string, keyAuthorization: string): Promise<void>;
  hideHttp(token: string): void;
  /** TLS-ALPN-01 (RFC 8737): the certificate, with its key, as PEM. */
  showTls(hostname: string, certificate: ChallengeCertificate): Promise<void>;
  hideTls(hostname: string): void;
}

export interface ChallengeCertificate {
  readonly chain: string;
  readonly key: string;
}
