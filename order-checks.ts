/**
 * What stands in the way of an order, asked anew right before it, in the way the authority will look: records, CAA, and
 * whether it would reach us on the port it comes to. What cannot succeed is not asked for.
 */
import { networkInterfaces } from 'node:os';
import type { ChallengeType } from '#certs/acme/challenge-solver';
import type { ChallengeBoard } from '#certs/challenges';
import { canonical, judgeAddresses } from '#certs/dns/addresses';
import { judgeCaa } from '#certs/dns/caa';
import type { Diagnosis } from '#certs/dns/diagnosis';
import type { Resolver } from '#certs/dns/resolver';
import { echo } from '#certs/domains/echo';
import { tlsEcho } from '#certs/domains/tls-echo';
import type { Clock } from '#core/clock';
import type { Config } from '#core/config';

/** The ports that authorities come to. */
const HTTP_PORT = 80;
const HTTPS_PORT = 443;
const ADDRESSES_FOR_MS = 60_000;
/** How CAA records name the authorities that are well known. */
const CAA_NAMES: Readonly<Record<string, readonly string[]>> = {
  'acme-v02.api.letsencrypt.org': ['letsencrypt.org'],
  'acme-staging-v02.api.letsencrypt.org': ['letsencrypt.org'],
  'acme.zerossl.com': ['sectigo.com', 'zerossl.com'],
  'dv.acme-v02.api.pki.goog': ['pki.goog'],
  'api.buypass.com': ['buypass.com'],
};

export interface OrderChecksOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly resolvers: readonly Resolver[];
  readonly board: ChallengeBoard;
  /** The authority is none of the public ones: it may come to the ports of our own listeners. */
  readonly isPrivate: boolean;
  /** Whether an authority could come to the address. */
  readonly isReachable: (address: string) => boolean;
  /** How hostnames can be proved, the one that is tried first in front. */
  readonly challenges: readonly ChallengeType[];
}

export class OrderChecks {
  readonly #options: OrderChecksOptions;
  #addresses: { readonly until: number; readonly all: Promise<ReadonlySet<string>> } | null = null;

  constructor(options: OrderChecksOptions) {
    this.#options = options;
  }

  /**
   * Empty: nothing stands in the way.
   * @param directory of the authority that is to be asked
   */
  async check(hostname: string, directory: string): Promise<readonly Diagnosis[]> {
    const { resolvers } = this.#options;
    const first = this.#first(hostname);
    const forbidden = async (): Promise<readonly Diagnosis[]> => {
      const issuers = CAA_NAMES[new URL(directory).hostname] ?? [];
      const found = await judgeCaa(hostname, resolvers, { issuers, method: first ?? '' });
      return found === null ? [] : [found];
    };
    // Nobody comes to an address: a record in the zone is all there is to see.
    if (first === 'dns-01') return forbidden();
    const verdict = await this.addressesOf(hostname);
    if (verdict.state === 'unknown' || verdict.addresses.length === 0) return verdict.diagnosis;
    const faults = await forbidden();
    if (faults.length > 0) return faults;
    // Reaching us over every address proves more than any list of addresses, and nothing less proves that the answer arrives.
    const unheard = await (first === 'tls-alpn-01'
      ? tlsEcho(hostname, verdict.addresses, { ...this.#echoOptions('https'), now: this.#options.clock.wall() })
      : this.knock(hostname, verdict.addresses));
    if (unheard.length === 0) return [];
    return verdict.state === 'ok' ? unheard : verdict.diagnosis;
  }

  /** Whether a certificate for the hostname is still worth renewing. */
  async isAlive(hostname: string): Promise<boolean> {
    return this.#first(hostname) === 'dns-01' || (await this.addressesOf(hostname)).state !== 'wrong';
  }

  /** Whether requests for the hostname arrive here over these addresses; empty: they do. */
  knock(hostname: string, addresses: readonly string[]): Promise<readonly Diagnosis[]> {
    return echo(hostname, addresses, this.#echoOptions('http'));
  }

  async addressesOf(hostname: string) {
    const addresses = await this.expected();
    return judgeAddresses(hostname, this.#options.resolvers, { edge: this.#options.config.edge, addresses });
  }

  /** Addresses that hostnames are to point at. */
  expected(): Promise<ReadonlySet<string>> {
    const now = this.#options.clock.wall();
    if (this.#addresses === null || this.#addresses.until < now) {
      this.#addresses = { until: now + ADDRESSES_FOR_MS, all: this.#findExpected() };
    }
    return this.#addresses.all;
  }

  /** Whether every resolver sees the value. */
  async seesTxt(name: string, value: string): Promise<boolean> {
    const answers = await Promise.all(this.#options.resolvers.map((one) => one.ask(name, 'TXT')));
    return answers.every((one) => one.status === 'found' && one.values.includes(value));
  }

  #first(hostname: string): ChallengeType | undefined {
    return hostname.startsWith('*.') ? 'dns-01' : this.#options.challenges[0];
  }

  #echoOptions(listener: 'http' | 'https') {
    const { config, board, isPrivate, isReachable } = this.#options;
    const own = config[listener];
    const port = listener === 'http' ? HTTP_PORT : HTTPS_PORT;
    const ports = isPrivate && own !== null ? [port, own.port] : [port];
    return { board, ports, isReachable };
  }

  async #findExpected(): Promise<ReadonlySet<string>> {
    const { config, resolvers } = this.#options;
    const { edge, edgeAddresses } = config;
    if (edgeAddresses.length > 0) return new Set(edgeAddresses.map(canonical));
    const asked = resolvers.flatMap((one) => [one.ask(edge, 'A'), one.ask(edge, 'AAAA')]);
    const answers = await Promise.all(asked);
    const resolved = answers.flatMap((one) => (one.status === 'found' ? one.values : []));
    const own = Object.values(networkInterfaces()).flatMap((one) => one ?? []);
    return new Set([...resolved, ...own.map(({ address }) => address)].map(canonical));
  }
}
