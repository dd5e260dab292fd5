/** Metrics of what the API knows by itself: sets, hosts and routes. */
import type { AdminPorts, HostView, LiveSet, MetricFamily, MetricSample } from './ports.ts';

/** What the API knows and what was counted elsewhere. */
export async function allMetrics(ports: Ports & Pick<AdminPorts, 'collect'>): Promise<MetricFamily[]> {
  const collected = await ports.collect();
  return [...knownMetrics(ports), ...collected];
}

type Ports = Pick<AdminPorts, 'version' | 'sets' | 'hosts' | 'table' | 'missing'>;

function* knownMetrics(ports: Ports): Generator<MetricFamily> {
  yield gauge('tidegate_info', 'Always 1; the version is a label.', [{ labels: { version: ports.version }, value: 1 }]);
  yield gauge('tidegate_ready', '1 once traffic can be served.', [{ value: ports.missing().length === 0 ? 1 : 0 }]);
  yield gauge('tidegate_hostnames', 'Hostnames with at least one route.', [{ value: ports.table.hostCount }]);
  let conflicts = 0;
  for (const _ of ports.table.conflicts()) conflicts++;
  yield gauge('tidegate_route_conflicts', 'Claims on a hostname and path that another set holds.', [
    { value: conflicts },
  ]);

  const hosts = [...ports.hosts()];
  const up = (host: HostView): MetricSample => ({
    labels: { host: host.name },
    value: host.state === 'reachable' ? 1 : 0,
  });
  yield gauge('tidegate_host_up', '1 while the Engine of the host answers.', hosts.map(up));

  const sets = liveSets(ports);
  const perSet = (pick: (live: LiveSet) => number): MetricSample[] =>
    sets.map(({ labels, live }) => ({ labels, value: pick(live) }));
  yield gauge(
    'tidegate_set_ready_replicas',
    'Replicas that take requests.',
    perSet((live) => live.ready),
  );
  yield gauge(
    'tidegate_set_wanted_replicas',
    'Replicas wanted while the set is awake.',
    perSet((live) => live.target.awake),
  );
  const scaled = sets.filter(({ live }) => live.scaling !== null);
  yield gauge(
    'tidegate_set_desired_replicas',
    'Replicas that the load of a set asks for.',
    scaled.map(({ labels, live }) => ({ labels, value: live.scaling?.desired ?? 0 })),
  );
  yield gauge(
    'tidegate_set_panic',
    '1 while a set grows with the load of its last seconds.',
    scaled.map(({ labels, live }) => ({ labels, value: Number(live.scaling?.isPanicking ?? false) })),
  );
  yield gauge(
    'tidegate_set_in_flight',
    'Requests and streams that replicas serve now.',
    perSet((live) => live.inFlight),
  );
  yield gauge(
    'tidegate_set_held',
    'Requests in the waiting room.',
    perSet((live) => live.held),
  );
  yield gauge(
    'tidegate_set_state',
    'Always 1; the state of the set is a label.',
    sets.map(({ labels, live }) => ({
      labels: { ...labels, state: live.state },
      value: 1,
    })),
  );
  yield gauge(
    'tidegate_replicas',
    'Replicas by what they do now.',
    sets.flatMap(({ labels, live }) => byPhase(labels, live)),
  );
}

interface LabelledSet {
  readonly labels: { readonly tenant: string; readonly app: string; readonly set: string };
  readonly live: LiveSet;
}

function liveSets({ sets }: Pick<Ports, 'sets'>): LabelledSet[] {
  const found: LabelledSet[] = [];
  for (const { key, tenant, app, set } of sets.all()) {
    const live = sets.live(key);
    if (live !== null) found.push({ labels: { tenant, app, set }, live });
  }
  return found;
}

function byPhase(labels: LabelledSet['labels'], live: LiveSet): MetricSample[] {
  const counts = new Map<string, number>();
  for (const { phase } of live.replicas) counts.set(phase, (counts.get(phase) ?? 0) + 1);
  return Array.from(counts, ([phase, value]) => ({ labels: { ...labels, phase }, value }));
}

function gauge(name: string, help: string, samples: readonly MetricSample[]): MetricFamily {
  return { name, type: 'gauge', help, samples };
}
