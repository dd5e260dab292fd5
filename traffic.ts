/** The traffic as the rest of Tidegate sees it: served by a gateway in this process, or by workers. */
import type { ChallengeBoard } from '#certs/challenges';
import type { ListenAddress } from '#core/settings';
import type { Fleet } from '#workers/fleet';
import type { TrafficCounts } from '#workers/messages';
import { openServing, type ServingTools } from './serving.ts';

/** What is in flight when Tidegate ends gets this long. */
const GRACE_MS = 30_000;

export interface Traffic {
  readonly name: string;
  /** What certificate authorities are answered. */
  readonly challenges: ChallengeBoard;
  /** Another certificate may be right for these names; null: for any. */
  readonly forgetCertificates: (names: readonly string[] | null) => void;
  readonly collect: () => Promise<TrafficCounts>;
  /** @throws TidegateError `listener.in_use`, `listener.denied` */
  readonly listen: () => Promise<readonly { readonly name: string; readonly address: ListenAddress }[]>;
  readonly close: () => Promise<void> | void;
}

export async function trafficAlone(tools: ServingTools): Promise<Traffic> {
  const { gateway, listen, close, forgetCertificates } = await openServing(tools, tools.config);
  return {
    name: 'gateway',
    challenges: gateway.challenges,
    forgetCertificates,
    collect: async () => gateway.collect(),
    listen,
    close: async () => {
      await gateway.close({ graceMs: GRACE_MS });
      await close();
    },
  };
}

/** Workers listen by themselves, and drain before control ends. */
export function fleetTraffic(fleet: Fleet): Traffic {
  return {
    name: 'workers',
    challenges: fleet.challenges,
    forgetCertificates: (names) => fleet.tellCertificates(names),
    collect: () => fleet.collect(),
    listen: async () => [],
    close: () => fleet.close(),
  };
}
