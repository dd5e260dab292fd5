/**
 * For which hostnames certificates are to be had: verified domains that point here, and what trusted labels claim, as users
 * of other gateways expect. Names that no authority can vouch for are left to the local one.
 */
import type { Issuance } from '#certs/acme/issuance';
import type { Wish } from '#certs/acme/orders';
import { wildcardOf } from '#certs/material';
import type { Clock, Timer } from '#core/clock';
import type { Route } from '#router/route-table';

/** Changes come in flocks. */
const SETTLE_MS = 200;
/** RFC 6761, RFC 2606, RFC 8375, RFC 9476 and what is in use like them: no public authority issues for these. */
const SPECIAL = ['localhost', 'test', 'example', 'invalid', 'local', 'internal', 'onion', 'alt', 'home.arpa'];

export interface CertificateWishesOptions {
  readonly clock: Clock;
  readonly issuance: Pick<Issuance, 'want' | 'unwant' | 'view'>;
  readonly domains: { certifiable(): Iterable<{ readonly tenant: string; readonly hostname: string }> };
  readonly routes: () => Iterable<Route>;
  /** Apps answer below it by themselves. */
  readonly baseDomain: string;
  /** The authority is none of the public ones. */
  readonly isPrivate: boolean;
  /** Wildcards can be proved. */
  readonly hasDns: boolean;
  /** A certificate for it is there by other means. */
  readonly isCovered: (hostname: string) => boolean;
  readonly check: Wish['check'];
  readonly isAlive: (hostname: string) => Promise<boolean>;
}

export class CertificateWishes {
  readonly #options: CertificateWishesOptions;
  /** `*.<base domain>`, which one certificate of the installation itself covers; null: it can be had for none. */
  readonly platform: string | null;
  readonly #wanted = new Set<string>();
  #timer: Timer | null = null;
  #closed = false;

  constructor(options: CertificateWishesOptions) {
    this.#options = options;
    const platform = `*.${options.baseDomain}`;
    this.platform = this.#isPossible(platform) ? platform : null;
  }

  /** Routes or domains have changed. */
  changed(): void {
    if (this.#closed) return;
    this.#timer ??= this.#options.clock.after(SETTLE_MS, () => {
      this.#timer = null;
      this.#settle();
    });
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #settle(): void {
    const { issuance, check, isAlive } = this.#options;
    const wanted = this.#wishes();
    for (const hostname of [...this.#wanted]) {
      if (wanted.has(hostname)) continue;
      this.#wanted.delete(hostname);
      issuance.unwant(hostname);
    }
    for (const [hostname, tenant] of wanted) {
      if (this.#wanted.has(hostname)) continue;
      this.#wanted.add(hostname);
      issuance.want({ hostname, tenant, check, isAlive: () => isAlive(hostname) });
    }
  }

  /** Hostnames with the tenant each belongs to; null: the installation itself. */
  #wishes(): Map<string, string | null> {
    const { domains, routes, isCovered } = this.#options;
    const wanted = new Map<string, string | null>();
    const { platform } = this;
    if (platform !== null && !isCovered(platform)) wanted.set(platform, null);
    const isOfPlatform = this.#isOfPlatform();
    for (const { hostname, tenant } of domains.certifiable()) {
      if (this.#isPossible(hostname) && !isCovered(hostname)) wanted.set(hostname, tenant);
    }
    for (const { spec, pool } of routes()) {
      const { hostname } = spec;
      const { tls } = pool.policy;
      if (tls === 'off' || tls === 'passthrough' || wanted.has(hostname)) continue;
      if (!this.#isPossible(hostname) || isCovered(hostname) || isOfPlatform(hostname)) continue;
      wanted.set(hostname, pool.key.split('/')[0] ?? '');
    }
    return wanted;
  }

  /** Those that the certificate of the installation covers: while it can be had, none of their own is. */
  #isOfPlatform(): (hostname: string) => boolean {
    const { platform } = this;
    if (platform === null) return () => false;
    const { certificateId, attempts, state, warnedOf } = this.#options.issuance.view(platform);
    const isInForce = certificateId !== null && state !== 'expired' && warnedOf !== certificateId;
    const isOnItsWay = certificateId === null && attempts === 0 && state !== 'rate-limited';
    if (!isInForce && !isOnItsWay) return () => false;
    return (hostname) => wildcardOf(hostname) === platform;
  }

  #isPossible(hostname: string): boolean {
    const { isPrivate, hasDns } = this.#options;
    if (hostname.startsWith('*.') && !hasDns) return false;
    if (hostname === 'localhost' || hostname.endsWith('.localhost') || !hostname.includes('.')) return false;
    return isPrivate || !SPECIAL.some((one) => hostname === one || hostname.endsWith(`.${one}`));
  }
}
