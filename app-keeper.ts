/** The keeper of apps as control runs it: what it needs of the store, the hosts, the scaler and the gateways comes together here. */
import { randomBytes } from 'node:crypto';
import { Apps } from '#apps/apps';
import type { AppsPorts, SetInForce } from '#apps/ports';
import type { SealedBox } from '#certs/vault/sealed-box';
import type { Clock } from '#core/clock';
import type { EventSink } from '#core/event';
import { newId } from '#core/id';
import type { Log } from '#core/log';
import type { SetKey } from '#core/set';
import type { HostEngine } from '#docker/host-engine';
import type { SetView } from '#scaler/set-view';
import type { Memory } from './memory.ts';

export interface AppKeeperOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly emit: EventSink;
  readonly memory: Pick<Memory, 'store' | 'instance'>;
  readonly box: Pick<SealedBox, 'seal' | 'unseal'>;
  readonly engines: () => readonly HostEngine[];
  readonly capacity: NonNullable<AppsPorts['capacity']>;
  readonly view: (key: SetKey) => SetView | null;
  readonly declare: (set: SetInForce) => void;
  readonly undeclare: (key: SetKey) => void;
  readonly forgetScale: AppsPorts['forgetScale'];
  readonly settled: () => Promise<void>;
  readonly counters: AppsPorts['counters'];
}

/** @throws TidegateError of the `store.` family */
export function openApps(options: AppKeeperOptions): Promise<Apps> {
  const { clock, log, emit, memory, box, engines, view, declare, undeclare, forgetScale, settled, counters } = options;
  return Apps.open({
    ...{ clock, log, emit, engines, declare, undeclare, forgetScale, settled, counters },
    store: memory.store,
    instance: memory.instance,
    newId: (prefix) => newId(prefix, clock.wall(), randomBytes),
    seal: (plain, context) => Buffer.from(box.seal(Buffer.from(plain), context)).toString('base64'),
    unseal: (sealed, context) => box.unseal(Buffer.from(sealed, 'base64'), context).toString(),
    sight: (key) => view(key),
    capacity: options.capacity,
  });
}
