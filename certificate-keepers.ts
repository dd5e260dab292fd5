/**
 * The keepers of domains and certificates as control runs them: what they need of the settings, of each other and of the
 * gateways comes together here.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { certificateMetrics } from '#admin/certificate-metrics';
import { type CertificateBook, REVOCATION_REASONS } from '#admin/certificate-port';
import type { MetricFamily } from '#admin/ports';
import { Authorities } from '#certs/acme/authorities';
import { CHALLENGE_TYPES, ChallengeSolver } from '#certs/acme/challenge-solver';
import { challengeName } from '#certs/acme/dns-01/challenge-name';
import { openDnsProvider } from '#certs/acme/dns-01/open-dns-provider';
import { Issuance } from '#certs/acme/issuance';
import { Turns } from '#certs/acme/turns';
import type { ChallengeBoard } from '#certs/challenges';
import { canonical, judgeAddresses } from '#certs/dns/addresses';
import { judgeCaa } from '#certs/dns/caa';
import type { Diagnosis } from '#certs/dns/diagnosis';
import { inwardAddresses } from '#certs/dns/inward-addresses';
import { openResolvers, type Resolver } from '#certs/dns/resolver';
import { Domains } from '#certs/domains/domains';
import { echo } from '#certs/domains/echo';
import { OwnCertificates } from '#certs/own-certificates';
import { CertificateVault } from '#certs/vault/certificate-vault';
import { IMPORTED } from '#certs/vault/kept-certificate';
import { SealedBox } from '#certs/vault/sealed-box';
import type { Clock } from '#core/clock';
import type { Config } from '#core/config';
import { messageOf, TidegateError } from '#core/errors';
import type { EventSink } from '#core/event';
import { newId } from '#core/id';
import type { Log } from '#core/log';
import type { Route } from '#router/route-table';
import type { Store } from '#store/store';
import { CertificateWishes } from './certificate-wishes.ts';
import { KEY_FILE, readAuthority } from './certificates.ts';

/** The port that authorities come to. */
const HTTP_PORT = 80;
const ADDRESSES_FOR_MS = 60_000;
/** One process at a time works on an embedded store: it goes on with what the one before it began. */
const HOLDER = 'control';
const PAGE = 1000;
/** How CAA records name the authorities that are well known. */
const CAA_NAMES: Readonly<Record<string, readonly string[]>> = {
  'acme-v02.api.letsencrypt.org': ['letsencrypt.org'],
  'acme-staging-v02.api.letsencrypt.org': ['letsencrypt.org'],
  'acme.zerossl.com': ['sectigo.com', 'zerossl.com'],
  'dv.acme-v02.api.pki.goog': ['pki.goog'],
  'api.buypass.com': ['buypass.com'],
};

export interface CertificateKeepersOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly emit: EventSink;
  readonly store: Store;
  /** Shown by all gateways; asked for only when something is to be shown. */
  readonly board: () => ChallengeBoard;
  readonly routes: () => Iterable<Route>;
  /** Another certificate may be right for these names. */
  readonly onCertificates: (names: readonly string[]) => void;
  /** What is proved has changed. */
  readonly onDomains: () => void;
}

export class CertificateKeepers {
  readonly domains: Domains;
  readonly book: CertificateBook;
  readonly #options: CertificateKeepersOptions;
  readonly #vault: CertificateVault;
  readonly #issuance: Issuance;
  readonly #wishes: CertificateWishes;
  readonly #resolvers: readonly Resolver[];
  readonly #own: OwnCertificates | null;
  readonly #isPrivate: boolean;
  #addresses: { readonly until: number; readonly all: Promise<ReadonlySet<string>> } | null = null;

  private constructor(options: CertificateKeepersOptions, box: SealedBox, own: OwnCertificates | null) {
    const { config, clock, log, emit, store, routes } = options;
    const { acme } = config;
    const wall = clock.wall;
    this.#options = options;
    this.#own = own;
    this.#isPrivate = isPrivate(config);
    this.#resolvers = openResolvers(config.dns);
    const board: ChallengeBoard = {
      showHttp: (token, authorization) => options.board().showHttp(token, authorization),
      hideHttp: (token) => options.board().hideHttp(token),
      showTls: (hostname, certificate) => options.board().showTls(hostname, certificate),
      hideTls: (hostname) => options.board().hideTls(hostname),
    };
    const isInward = inwardAddresses();
    const isReachable = (address: string): boolean => this.#isPrivate || !isInward(address);
    const knock = (hostname: string, addresses: readonly string[]): Promise<readonly Diagnosis[]> =>
      echo(hostname, addresses, { board, ports: this.#ports(), isReachable });
    this.#vault = new CertificateVault({ store, box, wall, random: randomBytes, log });
    this.#vault.onChange = (names) => options.onCertificates(names);
    const root = acme.caFile === null ? null : readRoot(acme.caFile);
    const eab = acme.eabKid === null || acme.eabHmac === null ? null : { kid: acme.eabKid, hmac: acme.eabHmac };
    const ca = (directory: string) => ({ directory, email: acme.email, root, eab, chain: acme.chain });
    const cas = [ca(acme.directory), ...(acme.fallback === null ? [] : [{ ...ca(acme.fallback), eab: null }])];
    const challenges = CHALLENGE_TYPES.filter((one) => acme.challenges.includes(one));
    const dns = acme.dns === null ? null : openDnsProvider(acme.dns, { secret: acme.dnsSecret, clock, randomBytes });
    this.#issuance = new Issuance({
      ...{ store, vault: this.#vault, box, clock, log, emit, holder: HOLDER, random: Math.random },
      authorities: new Authorities({ store, box, clock, cas }),
      solver: new ChallengeSolver({
        ...{ board, clock, challenges, dns },
        challengeName: (hostname) => challengeName(hostname, this.#resolvers),
        seesTxt: (name, value) => this.#seesTxt(name, value),
      }),
      turns: new Turns(acme.parallel),
      keyType: acme.key,
    });
    this.domains = new Domains({
      ...{ store, clock, log, emit, resolvers: this.#resolvers, random: Math.random, randomBytes },
      baseDomain: config.baseDomain,
      edge: config.edge,
      addresses: () => this.#expected(),
      echo: knock,
      issuance: (hostname) => this.#issuance.view(hostname),
      newId: (prefix) => newId(prefix, clock.wall(), randomBytes),
    });
    this.#wishes = new CertificateWishes({
      ...{ clock, routes, issuance: this.#issuance, domains: this.domains },
      isPrivate: this.#isPrivate,
      hasDns: dns !== null && challenges.includes('dns-01'),
      isCovered: (hostname) => this.#own?.find(hostname.replace(/^\*\./, 'x.')) != null,
      check: (hostname) => this.#check(hostname, knock),
      isAlive: async (hostname) => (await this.#addressesOf(hostname)).state !== 'wrong',
    });
    this.domains.onChange = (hostname) => {
      options.onDomains();
      this.#wishes.changed();
      this.#issuance.hurry(hostname);
    };
    this.book = this.#certificateBook();
  }

  /**
   * Reads what is kept. Nothing is ordered before `start`.
   * @throws TidegateError when keys or the store cannot be had
   */
  static async open(options: CertificateKeepersOptions): Promise<CertificateKeepers> {
    const { config, clock, log } = options;
    const box = SealedBox.open({ file: path.join(path.resolve(config.data), KEY_FILE), given: config.keyFile });
    const directory = config.https === null ? null : config.certs;
    const own = directory === null ? null : await OwnCertificates.open({ directory, clock, log, onChange: () => {} });
    const keepers = new CertificateKeepers(options, box, own);
    await keepers.#vault.start();
    await keepers.domains.load();
    return keepers;
  }

  /** The gateways serve and routes are known: orders may be made. */
  async start(): Promise<void> {
    await this.domains.start();
    if (this.#options.config.https === null) return;
    await this.#issuance.start();
    this.#wishes.changed();
  }

  /** Routes have changed. */
  routesChanged(): void {
    this.#wishes.changed();
  }

  /** Clients come for a hostname that has none yet. */
  readonly hurry = (hostname: string): void => this.#issuance.hurry(hostname);

  async collect(): Promise<MetricFamily[]> {
    const certificates = await this.#all();
    const { counts } = this.#issuance;
    return certificateMetrics({
      now: this.#options.clock.wall(),
      certificates,
      orders: { ...counts },
      issuance: this.#issuance.states(),
    });
  }

  async close(): Promise<void> {
    this.#wishes.close();
    this.domains.close();
    this.#own?.close();
    await this.#issuance.close();
  }

  async #all() {
    const all = [];
    for (let after: string | null = null; ; ) {
      const page = await this.#vault.list({ after, limit: PAGE });
      all.push(...page);
      if (page.length < PAGE) return all;
      after = page.at(-1)?.id ?? null;
    }
  }

  /** What stands in the way of an order; DNS is asked anew. */
  async #check(
    hostname: string,
    knock: (hostname: string, addresses: readonly string[]) => Promise<readonly Diagnosis[]>,
  ): Promise<readonly Diagnosis[]> {
    const { acme } = this.#options.config;
    const verdict = await this.#addressesOf(hostname);
    if (verdict.state === 'unknown' || verdict.addresses.length === 0) return verdict.diagnosis;
    const issuers = CAA_NAMES[new URL(acme.directory).hostname] ?? [];
    const forbidden = await judgeCaa(hostname, this.#resolvers, issuers);
    if (forbidden !== null) return [forbidden];
    // Reaching us over every address proves more than any list of addresses, and nothing less proves that the answer arrives.
    const unheard = await knock(hostname, verdict.addresses);
    if (unheard.length === 0) return [];
    return verdict.state === 'ok' ? unheard : verdict.diagnosis;
  }

  #addressesOf(hostname: string) {
    return this.#expected().then((addresses) =>
      judgeAddresses(hostname, this.#resolvers, { edge: this.#options.config.edge, addresses }),
    );
  }

  /** A private authority may come to another port: that of the plain listener counts as well. */
  #ports(): readonly number[] {
    const { http } = this.#options.config;
    return this.#isPrivate && http !== null ? [HTTP_PORT, http.port] : [HTTP_PORT];
  }

  #expected(): Promise<ReadonlySet<string>> {
    const now = this.#options.clock.wall();
    if (this.#addresses === null || this.#addresses.until < now) {
      this.#addresses = { until: now + ADDRESSES_FOR_MS, all: this.#findExpected() };
    }
    return this.#addresses.all;
  }

  async #findExpected(): Promise<ReadonlySet<string>> {
    const { edge, edgeAddresses } = this.#options.config;
    if (edgeAddresses.length > 0) return new Set(edgeAddresses.map(canonical));
    const asked = this.#resolvers.flatMap((one) => [one.ask(edge, 'A'), one.ask(edge, 'AAAA')]);
    const answers = await Promise.all(asked);
    const resolved = answers.flatMap((one) => (one.status === 'found' ? one.values : []));
    const own = Object.values(networkInterfaces()).flatMap((one) => one ?? []);
    return new Set([...resolved, ...own.map(({ address }) => address)].map(canonical));
  }

  async #seesTxt(name: string, value: string): Promise<boolean> {
    const answers = await Promise.all(this.#resolvers.map((one) => one.ask(name, 'TXT')));
    return answers.every((one) => one.status === 'found' && one.values.includes(value));
  }

  #certificateBook(): CertificateBook {
    const { config } = this.#options;
    const vault = this.#vault;
    const issuance = this.#issuance;
    return {
      list: (page) => vault.list(page),
      get: (id) => vault.get(id),
      issuance: (hostname) => issuance.view(hostname),
      bring: (brought) => vault.put({ ...brought, issuer: IMPORTED }),
      renew: async (id) => {
        const { names = [] } = (await vault.get(id)) ?? {};
        return (await issuance.renew(id)) ?? issuance.view(names[0] ?? '');
      },
      revoke: (id, reason) => issuance.revoke(id, REVOCATION_REASONS[reason]),
      drop: (id) => vault.drop(id),
      authority: () => readAuthority(config),
    };
  }
}

/** No public authority is at an address, on this machine, or signed by a root of one's own. */
function isPrivate({ acme }: Config): boolean {
  const hostname = new URL(acme.directory).hostname.replace(/^\[|\]$/g, '');
  return acme.caFile !== null || isIP(hostname) !== 0 || hostname === 'localhost' || hostname.endsWith('.localhost');
}

function readRoot(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const words = `settings cannot be used:\n  TIDEGATE_ACME_CA_FILE=${file}: ${messageOf(error)}`;
    throw new TidegateError('config.invalid', words, { cause: error });
  }
}
