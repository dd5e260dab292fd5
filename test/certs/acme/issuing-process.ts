/** A process that sees to certificates on a shared store until it is ended: `issuing-process.ts OPTIONS`. */
import { systemClock } from '#core/clock';
import { ChallengeAnswers } from '#gateway/challenge-answers';
import { vaultIn } from '../vault/vault-ground.ts';
import { type GroundAuthority, IssuanceGround } from './issuance-ground.ts';

export interface IssuingProcessOptions {
  /** Where the key for data at rest is. */
  readonly directory: string;
  /** URL of the store. */
  readonly redis: string;
  /** It takes every answer to a challenge for right. */
  readonly pebble: GroundAuthority;
  readonly names: readonly string[];
  readonly holder: string;
}

/** What it says at its end, as one line of JSON. */
export interface IssuingProcessResult {
  /** Orders under way at a time. */
  readonly most: number;
  readonly issued: number;
  /** Words of what failed. */
  readonly failed: readonly string[];
}

const { directory, redis, pebble, names, holder } = JSON.parse(process.argv[2] ?? '{}') as IssuingProcessOptions;
const ground = await vaultIn(directory, systemClock.wall, redis);
const issuing = await IssuanceGround.open({ directory, pebble, board: new ChallengeAnswers(), ground, holder });
let most = 0;
issuing.issuance.onChange = () => {
  most = Math.max(most, issuing.issuance.states().issuing ?? 0);
};
for (const name of names) issuing.want(name);
process.once('SIGTERM', () => {
  const failed = issuing.events.filter(({ type }) => type === 'certificate.failed').map(({ cause }) => cause);
  const result: IssuingProcessResult = { most, issued: issuing.issuance.counts.issued, failed };
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
});
setInterval(() => {}, 1000);
