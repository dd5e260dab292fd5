/** Issuance over a real store and vault, with a real gateway that meets the authority. */
import { randomBytes } from 'node:crypto';
import type { CaOptions } from '#certs/acme/acme-account';
import { Authorities } from '#certs/acme/authorities';
import { ChallengeSolver, type ChallengeType } from '#certs/acme/challenge-solver';
import type { DnsProvider } from '#certs/acme/dns-01/dns-provider';
import { Issuance } from '#certs/acme/issuance';
import { Turns } from '#certs/acme/turns';
import type { ChallengeBoard } from '#certs/challenges';
import type { Diagnosis } from '#certs/dns/diagnosis';
import { openResolvers } from '#certs/dns/resolver';
import { type Clock, systemClock } from '#core/clock';
import type { EventDraft } from '#core/event';
import { silentLog } from '#core/log';
import type { Pebble } from '#test/support/pebble';
import { until } from '#test/support/until';
import { type VaultGround, vaultIn } from '../vault/vault-ground.ts';

/** An authority: its directory, the root of its API, and who answers for names. */
export type GroundAuthority = Pick<Pebble, 'directory'> & Partial<Pick<Pebble, 'root' | 'dns'>>;

export interface IssuanceGroundOptions {
  readonly directory: string;
  readonly pebble: GroundAuthority;
  /** Asked when the first one fails or has had enough. */
  readonly fallback?: GroundAuthority;
  readonly clock?: Clock;
  readonly board: ChallengeBoard;
  readonly challenges?: readonly ChallengeType[];
  readonly dns?: DnsProvider | null;
  readonly eab?: CaOptions['eab'];
  readonly parallel?: number;
  /** Names the process in leases; by chance if not given. */
  readonly holder?: string;
  /** Another one has opened the store. */
  readonly ground?: VaultGround;
}

export class IssuanceGround implements AsyncDisposable {
  readonly ground: VaultGround;
  readonly issuance: Issuance;
  readonly events: EventDraft[] = [];
  readonly #owned: boolean;

  private constructor(ground: VaultGround, options: IssuanceGroundOptions) {
    const { pebble, fallback, board, challenges = ['http-01'], dns = null, eab = null, clock = systemClock } = options;
    const { store, box, vault } = ground;
    const cas = [pebble, ...(fallback === undefined ? [] : [fallback])].map(({ directory, root = null }) => ({
      ...{ directory, root, eab, email: 'ops@example.test', chain: null },
    }));
    const resolvers = openResolvers([pebble.dns ?? '127.0.0.1:1']);
    this.ground = ground;
    this.#owned = options.ground === undefined;
    this.issuance = new Issuance({
      ...{ store, vault, box, clock, log: silentLog },
      authorities: new Authorities({ store, box, clock, cas }),
      solver: new ChallengeSolver({
        ...{ board, challenges, dns, clock, log: silentLog },
        challengeName: async (hostname) => `_acme-challenge.${hostname}`,
        seesTxt: async (name, value) => {
          const answers = await Promise.all(resolvers.map((one) => one.ask(name, 'TXT')));
          return answers.every((one) => one.status === 'found' && one.values.includes(value));
        },
      }),
      turns: new Turns(options.parallel ?? 4),
      emit: (event) => void this.events.push(event),
      random: Math.random,
      holder: options.holder ?? randomBytes(8).toString('hex'),
      keyType: 'ecdsa',
    });
  }

  static async open(options: IssuanceGroundOptions): Promise<IssuanceGround> {
    const ground = options.ground ?? (await vaultIn(options.directory, options.clock?.wall.bind(options.clock)));
    const made = new IssuanceGround(ground, options);
    await made.issuance.start();
    return made;
  }

  want(hostname: string, diagnoses: readonly Diagnosis[] = [], tenant: string | null = 'default'): void {
    this.issuance.want({ hostname, tenant, check: async () => diagnoses, isAlive: async () => true });
  }

  async untilState(hostname: string, state: string): Promise<void> {
    await until(() => this.issuance.view(hostname).state === state, {
      what: `${hostname} is ${state} (${JSON.stringify(this.issuance.view(hostname))})`,
      timeoutMs: 60_000,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.issuance.close();
    if (this.#owned) await this.ground[Symbol.asyncDispose]();
  }
}
