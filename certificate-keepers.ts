/**
 * The keepers of domains and certificates as control runs them: what they need of the settings, of each other and of the
 * gateways comes together here.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import path from 'node:path';
import { certificateMetrics } from '#admin/certificate-metrics';
import { type CertificateBook, REVOCATION_REASONS } from '#admin/certificate-port';
import type { MetricFamily } from '#admin/ports';
import { Authorities } from '#certs/acme/authorities';
import { CHALLENGE_TYPES, ChallengeSolver } from '#certs/acme/challenge-solver';
import { besideHosts } from '#certs/acme/dns-01/beside-hosts';
import { challengeName } from '#certs/acme/dns-01/challenge-name';
import type { DnsProvider } from '#certs/acme/dns-01/dns-provider';
import { openDnsProvider } from '#certs/acme/dns-01/open-dns-provider';
import { Issuance } from '#certs/acme/issuance';
import { Turns } from '#certs/acme/turns';
import type { ChallengeBoard } from '#certs/challenges';
import { inwardAddresses } from '#certs/dns/inward-addresses';
import { openResolvers } from '#certs/dns/resolver';
import { Domains } from '#certs/domains/domains';
import { HurryBudget } from '#certs/hurry-budget';
import { callResponder } from '#certs/ocsp/ocsp-call';
import { Staples, type StaplesOptions } from '#certs/ocsp/staples';
import { OwnCertificates } from '#certs/own-certificates';
import { CertificateVault } from '#certs/vault/certificate-vault';
import { IMPORTED, type KeptCertificate } from '#certs/vault/kept-certificate';
import { KEY_BYTES } from '#certs/vault/key-file';
import { pruneVault } from '#certs/vault/pruning';
import { SealedBox } from '#certs/vault/sealed-box';
import { type Clock, pause } from '#core/clock';
import type { Config } from '#core/config';
import { messageOf, TidegateError } from '#core/errors';
import type { EventSink } from '#core/event';
import { newId } from '#core/id';
import type { Log } from '#core/log';
import type { Route } from '#router/route-table';
import type { Store } from '#store/store';
import { CertificateWishes } from './certificate-wishes.ts';
import { KEY_FILE, readAuthority } from './certificates.ts';
import { OrderChecks } from './order-checks.ts';

const FIRST_WAIT_MS = 1000;
const LAST_WAIT_MS = 60_000;

export interface CertificateKeepersOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly emit: EventSink;
  readonly store: Store;
  /** Names the holder of leases. */
  readonly instance: string;
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
  /** Seals what rests. */
  readonly box: SealedBox;
  readonly #options: CertificateKeepersOptions;
  readonly #vault: CertificateVault;
  readonly #issuance: Issuance;
  readonly #wishes: CertificateWishes;
  readonly #staples: Staples;
  readonly #own: OwnCertificates | null;
  readonly #hurries = new HurryBudget();
  #closed = false;
  #endPruning: () => void = () => {};

  private constructor(options: CertificateKeepersOptions, box: SealedBox, own: OwnCertificates | null) {
    const { config, clock, log, emit, store, routes } = options;
    const { acme } = config;
    const wall = clock.wall;
    this.#options = options;
    this.#own = own;
    this.box = box;
    const resolvers = openResolvers(config.dns);
    const board: ChallengeBoard = {
      showHttp: (token, authorization) => options.board().showHttp(token, authorization),
      hideHttp: (token) => options.board().hideHttp(token),
      showTls: (hostname, certificate) => options.board().showTls(hostname, certificate),
      hideTls: (hostname) => options.board().hideTls(hostname),
    };
    this.#vault = new CertificateVault({ store, box, wall, random: randomBytes, log });
    const privately = isPrivate(config);
    const isInward = inwardAddresses();
    const isReachable = (address: string): boolean => privately || !isInward(address);
    const ask: StaplesOptions['ask'] = (url, body, signal) => callResponder(url, body, { isReachable, signal });
    this.#staples = new Staples({ vault: this.#vault, clock, log, emit, ask });
    this.#vault.onChange = (names, id) => {
      options.onCertificates(names);
      this.#staples.changed([id]);
    };
    const root = acme.caFile === null ? null : readRoot(acme.caFile);
    const eab = acme.eabKid === null || acme.eabHmac === null ? null : { kid: acme.eabKid, hmac: acme.eabHmac };
    const ca = (directory: string) => ({ directory, email: acme.email, root, eab, chain: acme.chain });
    const cas = [ca(acme.directory), ...(acme.fallback === null ? [] : [{ ...ca(acme.fallback), eab: null }])];
    const dns = dnsProvider(config, clock);
    const challenges = acme.challenges.flatMap((one) =>
      CHALLENGE_TYPES.filter((type) => type === one && (type !== 'dns-01' || dns !== null)),
    );
    const checks = new OrderChecks({ config, clock, resolvers, board, isPrivate: privately, isReachable, challenges });
    this.#issuance = new Issuance({
      ...{
        store,
        vault: this.#vault,
        box,
        clock,
        log,
        emit,
        holder: options.instance,
        random: Math.random,
      },
      authorities: new Authorities({ store, box, clock, cas }),
      solver: new ChallengeSolver({
        ...{ board, clock, log, challenges, dns },
        challengeName: (hostname) => challengeName(hostname, resolvers),
        seesTxt: (name, value) => checks.seesTxt(name, value),
      }),
      turns: new Turns(acme.parallel),
      keyType: acme.key,
    });
    this.domains = new Domains({
      ...{ store, clock, log, emit, resolvers, random: Math.random, randomBytes },
      baseDomain: config.baseDomain,
      edge: config.edge,
      addresses: () => checks.expected(),
      echo: (hostname, addresses) => checks.knock(hostname, addresses),
      issuance: (hostname) => this.#issuance.view(hostname),
      newId: (prefix) => newId(prefix, clock.wall(), randomBytes),
    });
    this.#wishes = new CertificateWishes({
      ...{ clock, routes, issuance: this.#issuance, domains: this.domains },
      isPrivate: privately,
      baseDomain: config.baseDomain,
      hasDns: challenges.includes('dns-01'),
      isCovered: (hostname) => this.#own?.find(hostname.replace(/^\*\./, 'x.')) != null,
      check: (hostname, directory) => checks.check(hostname, directory),
      isAlive: (hostname) => checks.isAlive(hostname),
    });
    this.domains.onChange = (hostname) => {
      options.onDomains();
      this.#wishes.changed();
      this.#issuance.hurry(hostname);
    };
    this.#issuance.onChange = (hostname) => {
      if (hostname === this.#wishes.platform) this.#wishes.changed();
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

  /** The gateways serve and routes are known: orders may be made. A store that does not answer is asked again. */
  async begin(): Promise<void> {
    const { clock, log } = this.#options;
    for (let waitMs = FIRST_WAIT_MS; !this.#closed; waitMs = Math.min(LAST_WAIT_MS, 2 * waitMs)) {
      try {
        await this.#start();
        return;
      } catch (error) {
        log.error('domains and certificates cannot be kept yet', { error: messageOf(error) });
        await pause(clock, waitMs);
      }
    }
  }

  async #start(): Promise<void> {
    await this.domains.start();
    if (this.#options.config.https === null) return;
    await this.#issuance.start();
    await this.#staples.start();
    this.#endPruning = pruneVault({ vault: this.#vault, clock: this.#options.clock, log: this.#options.log });
    this.#wishes.changed();
  }

  /** Routes have changed. */
  routesChanged(): void {
    this.#wishes.changed();
  }

  /** Clients come for a hostname that has none yet. */
  readonly hurry = (hostname: string): void => {
    if (this.#hurries.take(hostname, this.#options.clock.wall())) this.#issuance.hurry(hostname);
  };

  async collect(): Promise<MetricFamily[]> {
    const certificates: KeptCertificate[] = [];
    for await (const one of this.#vault.all()) certificates.push(one);
    const { counts } = this.#issuance;
    return certificateMetrics({
      now: this.#options.clock.wall(),
      certificates,
      orders: { ...counts },
      issuance: this.#issuance.states(),
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#endPruning();
    this.#wishes.close();
    this.domains.close();
    this.#own?.close();
    await this.#issuance.close();
    await this.#staples.close();
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
      renew: (id) => issuance.renew(id),
      revoke: (id, reason) => issuance.revoke(id, REVOCATION_REASONS[reason]),
      drop: async (id) => {
        const kept = await vault.get(id);
        await vault.drop(id);
        if (kept !== null) await issuance.gone(kept);
      },
      rotateKey: () => vault.rotateKey(randomBytes(KEY_BYTES)),
      authority: () => readAuthority(config),
    };
  }
}

/** A webhook decides by itself where it writes. */
function dnsProvider({ acme }: Config, clock: Clock): DnsProvider | null {
  if (acme.dns === null) return null;
  const provider = openDnsProvider(acme.dns, { secret: acme.dnsSecret, clock, randomBytes });
  return acme.dns.kind === 'webhook' ? provider : besideHosts(provider);
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
