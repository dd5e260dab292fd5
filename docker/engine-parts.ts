/** What the door to an Engine is made of: the calls by their subject, over one client and one knowledge of ownership. */
import type { Clock } from '#core/clock';
import type { Log } from '#core/log';
import { Usages } from './cgroup-stats.ts';
import { Cloner } from './clone.ts';
import { ContainerSight } from './container-sight.ts';
import { Containers } from './containers.ts';
import type { EngineClient } from './engine-client.ts';
import { Execs } from './exec.ts';
import { Freezer } from './freezer.ts';
import { HostSize } from './host-size.ts';
import { Images } from './images.ts';
import { Logs } from './logs.ts';
import { Networks } from './networks.ts';
import { Ownership } from './ownership.ts';
import { ReplicaChanges } from './replica-changes.ts';
import { ReplicaLimits } from './replica-limits.ts';
import { ReplicaMaker } from './replica-maker.ts';
import { ReplicaNetworks } from './replica-networks.ts';
import { Replicas } from './replicas.ts';
import { NO_SPARES } from './spare-book.ts';
import { type SpareSettings, Spares } from './spares.ts';
import { Volumes } from './volumes.ts';

export interface EnginePartsOptions {
  readonly client: EngineClient;
  readonly clock: Clock;
  readonly log: Log;
  /** The Engine runs on this machine. */
  readonly local: boolean;
  /** Left out: no spare sandboxes are kept, and none is known. */
  readonly spares?: SpareSettings;
  readonly procRoot?: string;
  readonly cgroupRoot?: string;
}

export type EngineParts = ReturnType<typeof engineParts>;

export function engineParts(options: EnginePartsOptions) {
  const { client, clock, log, local } = options;
  const book = options.spares?.book ?? NO_SPARES;
  const ownership = new Ownership(book);
  const freezer = local ? new Freezer(options) : null;
  const size = new HostSize(client);
  const containers = new Containers({ client, ownership, freezer, spares: book });
  const images = new Images(client);
  const networks = new Networks(client, local);
  const replicaNetworks = new ReplicaNetworks({ client, containers, networks });
  const spares =
    options.spares === undefined
      ? null
      : new Spares({ ...options.spares, client, containers, images, networks, replicaNetworks, ownership, clock, log });
  const maker = new ReplicaMaker({
    ...{ client, containers, images, ownership, size, log, spares },
    networks: replicaNetworks,
  });
  const changes = new ReplicaChanges({ containers, maker, size, log });
  const replicas = new Replicas({ containers, ownership, maker, changes, networks: replicaNetworks, freezer });
  const logs = new Logs({ client, containers });
  const procRoot = local ? (options.procRoot ?? '/proc') : null;
  return {
    ownership,
    containers,
    cloner: new Cloner({ client, containers, ownership, log }),
    images,
    maker,
    spares,
    changes,
    replicas,
    limits: new ReplicaLimits({ client, containers, maker, size, log }),
    logs,
    execs: new Execs({ client, containers, ownership, clock, procRoot }),
    usages: new Usages({ procRoot, cgroupRoot: options.cgroupRoot ?? '/sys/fs/cgroup' }),
    networks,
    volumes: new Volumes(client),
    sight: new ContainerSight({ clock, containers, logs, replicas, procRoot }),
  };
}
