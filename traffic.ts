/** The traffic as the rest of Tidegate sees it: served by a gateway in this process, or by workers. */
import { doorMetrics } from '#admin/door-metrics';
import type { MetricFamily } from '#admin/ports';
import { revisionMetrics, trafficMetrics } from '#admin/traffic-metrics';
import type { ChallengeBoard } from '#certs/challenges';
import { LATENCY_BOUNDS_S } from '#core/latency';
import type { SetKey } from '#core/set';
import type { ListenAddress } from '#core/settings';
import type { RevisionCounts } from '#gateway/revision-metrics';
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
  /** Resolves when every gateway goes by the table and the weights as they are at this call. */
  readonly settled: () => Promise<void>;
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
    // It looks at the very table that was changed.
    settled: async () => {},
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
    settled: () => fleet.settled(),
    listen: async () => [],
    close: () => fleet.close(),
  };
}

/** What was counted, as metrics. */
export async function trafficFamilies(traffic: Traffic): Promise<MetricFamily[]> {
  const { sets, revisions, doors } = await traffic.collect();
  return [...trafficMetrics(sets, LATENCY_BOUNDS_S), ...revisionMetrics(revisions), ...doorMetrics(doors)];
}

/** What was counted for the revisions of a set since the start, by revision; one that was never asked is not there. */
export async function revisionCounts(traffic: Traffic, key: SetKey): Promise<ReadonlyMap<string, RevisionCounts>> {
  const { revisions } = await traffic.collect();
  return new Map(revisions.filter((one) => one.key === key).map((one) => [one.revision, one]));
}
