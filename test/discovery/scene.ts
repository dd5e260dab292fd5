/**
 * A Discovery over scripted Engines with a clock that is moved by hand, and everything it says.
 */
import type { EventDraft, EventType } from '#core/event';
import { silentLog } from '#core/log';
import type { ReplicaSnapshot, SetKey, SetSnapshot } from '#core/set';
import type { KnownSet } from '#discovery/composition';
import { Discovery } from '#discovery/discovery';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { FakeEngine } from './fake-engine.ts';

export interface Scene {
  readonly engine: FakeEngine;
  readonly engines: readonly FakeEngine[];
  readonly clock: FakeClock;
  readonly discovery: Discovery;
  readonly events: readonly EventDraft[];
  /** Every delivery in order. */
  readonly delivered: readonly SetSnapshot[];
  /** The sets in force, by key. */
  readonly sets: ReadonlyMap<SetKey, SetSnapshot>;
  causes(type: EventType): readonly string[];
  replica(id?: string, key?: SetKey): ReplicaSnapshot | undefined;
  status(id?: string, key?: SetKey): string | undefined;
  routes(key?: SetKey): readonly string[] | undefined;
}

export interface SceneOptions {
  readonly hosts?: readonly string[];
  readonly initial?: readonly KnownSet[];
  /** Puts containers before the Engines are connected. */
  readonly prepare?: (engine: FakeEngine, engines: readonly FakeEngine[]) => void;
  /** Whether the event streams stand from the start. */
  readonly connect?: boolean;
  /** Acts on the Discovery before it starts. */
  readonly before?: (discovery: Discovery) => void;
  readonly onExec?: (host: string, containerId: string) => void;
}

export const SHOP: SetKey = 'default/shop/web';

/** Starts a Discovery and lets everything that is ready to happen, happen. */
export async function stage(options: SceneOptions = {}): Promise<Scene> {
  const engines = (options.hosts ?? ['local']).map((host) => new FakeEngine(host));
  const [engine] = engines;
  if (engine === undefined) throw new Error('a scene needs a host');
  const clock = new FakeClock();
  const events: EventDraft[] = [];
  const delivered: SetSnapshot[] = [];
  const sets = new Map<SetKey, SetSnapshot>();
  options.prepare?.(engine, engines);
  const discovery = new Discovery({
    hosts: engines.map((one) => ({
      engine: one,
      reach: { bridgeReachable: true, gatewayNetworks: null, publishedHost: '127.0.0.1' },
    })),
    baseDomain: 'localhost',
    clock,
    log: silentLog,
    emit: (draft) => events.push(draft),
    onSet: (snapshot) => {
      delivered.push(snapshot);
      sets.set(snapshot.key, snapshot);
    },
    onSetRemoved: (key) => sets.delete(key),
    ...(options.initial === undefined ? {} : { initial: options.initial }),
    ...(options.onExec === undefined ? {} : { onExec: options.onExec }),
  });
  options.before?.(discovery);
  discovery.start();
  if (options.connect ?? true) for (const one of engines) one.connect();
  await settle();
  const replica = (id = 'one', key = SHOP): ReplicaSnapshot | undefined =>
    sets.get(key)?.replicas.find((one) => one.containerId === id);
  return {
    engine,
    engines,
    clock,
    discovery,
    events,
    delivered,
    sets,
    causes: (type) => events.filter((one) => one.type === type).map((one) => one.cause),
    replica,
    status: (id, key) => replica(id, key)?.status,
    routes: (key = SHOP) => sets.get(key)?.routes.map((route) => route.hostname + route.path),
  };
}
