/** Many apps, each of one set of the API, that were woken once by their deployment and sleep since: so many in each tier. */
import { setTimeout as sleep } from 'node:timers/promises';
import { deployHello } from '../test/support/deployed-app.ts';
import type { TidegateProcess } from '../test/support/tidegate.ts';
import { ask } from './client.ts';

/** Deployments at a time: more would only wait for each other on a small machine. */
const LANES = 4;
const PAGE = 1000;
const ASLEEP_WITHIN_MS = 120_000;
const LOOK_MS = 500;
const ANSWER_WITHIN_MS = 60_000;

export const ASLEEP_TIERS = ['frozen', 'sandbox', 'stopped'] as const;
export type AsleepTier = (typeof ASLEEP_TIERS)[number];

export interface SleepingApp {
  readonly name: string;
  readonly tier: AsleepTier;
}

interface AppSeen {
  readonly name: string;
  readonly sets: readonly { readonly tier: string }[];
}

/** After that idle time each is in the tier it is named by, and stays there. */
function scaleOf(tier: AsleepTier, idle: string): object {
  const step = { frozen: 'pause', sandbox: 'sandbox', stopped: 'stop' }[tier];
  return { min: 0, ...(tier === 'stopped' ? {} : { stop: 'off' }), [step]: idle };
}

/** So many apps, the tiers in turns. */
export function sleepingApps(count: number, tiers: readonly AsleepTier[]): readonly SleepingApp[] {
  return Array.from({ length: count }, (_, i) => {
    const tier = tiers[i % tiers.length] ?? 'stopped';
    return { name: `${tier}-${i + 1}`, tier };
  });
}

export interface DeployOptions {
  readonly image: string;
  /** Idle time until they sleep, as a label has it. */
  readonly idle: string;
  readonly onDeployed: (count: number) => void;
  readonly signal: AbortSignal;
}

/** Deploys all, some at a time. @throws Error when one does not come into force, or the signal aborts */
export async function deployAll(
  tidegate: TidegateProcess,
  apps: readonly SleepingApp[],
  { image, idle, onDeployed, signal }: DeployOptions,
): Promise<void> {
  const rest = [...apps];
  let count = 0;
  const lane = async (): Promise<void> => {
    for (let app = rest.shift(); app !== undefined; app = rest.shift()) {
      signal.throwIfAborted();
      const more = { health: { path: '/', interval: '2s' }, scale: scaleOf(app.tier, idle), drain: '1s' };
      await deployHello(tidegate, { app: app.name, image, more });
      onDeployed(++count);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** Waits until each is in its tier. @throws Error that says how many are not, when they are not in time */
export async function untilAsleep(
  tidegate: TidegateProcess,
  apps: readonly SleepingApp[],
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + ASLEEP_WITHIN_MS;
  for (;;) {
    const { items } = await tidegate.adminJson<{ items: readonly AppSeen[] }>(`/v1/apps?limit=${PAGE}`);
    const tiers = new Map(items.map(({ name, sets }) => [name, sets[0]?.tier ?? 'absent']));
    const awake = apps.filter(({ name, tier }) => tiers.get(name) !== tier);
    if (awake.length === 0) return;
    if (performance.now() > deadline) {
      const [first] = awake;
      const words = first === undefined ? '' : `${first.name} is ${tiers.get(first.name)}`;
      throw new Error(`${awake.length} apps are not in their tier: ${words}`);
    }
    await sleep(LOOK_MS, undefined, { signal });
  }
}

/** Asks all of them in the same moment; ms of each whole request. @throws Error when one was not woken and answered */
export function wakeAtOnce({ port }: TidegateProcess, apps: readonly SleepingApp[]): Promise<readonly number[]> {
  return Promise.all(
    apps.map(async ({ name }) => {
      const address = { host: '127.0.0.1', port, hostname: `${name}.localhost` };
      const answer = await ask({ ...address, timeoutMs: ANSWER_WITHIN_MS });
      if (answer.status !== 200) throw new Error(`${name} answered ${answer.status}`);
      if (answer.wakeMs === null) throw new Error(`${name} was not asleep`);
      return answer.ms;
    }),
  );
}
