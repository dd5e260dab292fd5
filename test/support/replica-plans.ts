/** Plans of replicas for tests: everything that a plan needs, with what a test cares about on top. */
import type { MemberPlan, ReplicaPlan } from '#docker/replica-plan';

export interface SomePlan extends Partial<Omit<ReplicaPlan, 'network' | 'members'>> {
  readonly id: string;
  readonly network: string;
  readonly members: readonly MemberPlan[];
  readonly set?: string;
  readonly app?: string;
}

/** A replica of `<app>/<set>` (default `shop/web`) in the given network, named by its id. */
export function replicaPlan(wanted: SomePlan): ReplicaPlan {
  const { set = 'web', app = 'shop', network, ...more } = wanted;
  return {
    name: `t-${app}-${set}-${wanted.id.toLowerCase().replace(/[^a-z0-9]+/g, '')}`,
    labels: {
      'tidegate.tenant': 't',
      'tidegate.app': app,
      'tidegate.set': set,
      'tidegate.revision': 'r1',
      'tidegate.instance': 'ins_test',
    },
    pauseLabels: { 'tidegate.port': '8080' },
    sysctls: {},
    sharePids: false,
    hostNamespaces: [],
    publish: [],
    exposedPort: 8080,
    ...more,
    network: { name: network, aliases: [set, `${set}.${app}.internal`] },
  };
}

export function memberPlan(wanted: Partial<MemberPlan> & Pick<MemberPlan, 'index' | 'name' | 'image'>): MemberPlan {
  return {
    env: {},
    command: null,
    entrypoint: null,
    user: null,
    workdir: null,
    nanoCpus: null,
    memoryBytes: null,
    volumes: [],
    binds: [],
    devices: [],
    capabilities: [],
    privileged: false,
    healthcheck: null,
    init: true,
    readonlyRoot: false,
    stopSignal: null,
    stopTimeoutS: null,
    ...wanted,
  };
}

/** What a member runs that only has to be there. */
export const IDLE_COMMAND = ['node', '-e', 'setInterval(() => {}, 1e9); process.on("SIGTERM", () => process.exit(0))'];
