/**
 * Sees to it that the output of every container of every set is kept: one tail for each, begun and ended by what discovery
 * tells.
 */
import type { Clock } from '#core/clock';
import type { Log } from '#core/log';
import type { ContainerStatus, ReplicaSnapshot, SetKey, SetSnapshot } from '#core/set';
import type { LogEngine } from '#docker/logs';
import { ContainerTail } from './container-tail.ts';
import type { LogSource } from './log-line.ts';
import type { LogStore } from './log-store.ts';
import { Pace } from './pace.ts';

/** What all containers together may have taken over while some of them flood. */
const BYTES_PER_SECOND = 8_388_608;
const BURST_BYTES = 67_108_864;
const UP: readonly ContainerStatus[] = ['running', 'paused', 'stopping', 'restarting'];

export interface LogCollectorOptions {
  readonly store: LogStore;
  /** Null: no such host. */
  readonly engine: (host: string) => LogEngine | null;
  readonly clock: Clock;
  readonly log: Log;
}

interface Writer {
  readonly source: LogSource;
  readonly run: string | null;
  readonly isUp: boolean;
}

export class LogCollector {
  readonly #options: LogCollectorOptions;
  readonly #common: Pace;
  /** By set, then by container. */
  readonly #tails = new Map<SetKey, Map<string, ContainerTail>>();
  /** Tails of containers that are gone, until they have read to the end. */
  readonly #ending = new Map<ContainerTail, Promise<void>>();
  #closed = false;

  constructor(options: LogCollectorOptions) {
    this.#options = options;
    const { clock } = options;
    this.#common = new Pace({ bytesPerSecond: BYTES_PER_SECOND, burstBytes: BURST_BYTES, clock });
  }

  /** A new picture of a set. */
  observe({ key, tenant, app, set, replicas }: SetSnapshot): void {
    if (this.#closed) return;
    const tails = this.#tails.get(key) ?? new Map<string, ContainerTail>();
    this.#tails.set(key, tails);
    const gone = new Map(tails);
    for (const replica of replicas) {
      const engine = this.#options.engine(replica.host);
      if (engine === null) continue;
      for (const { source, run, isUp } of writersOf(replica)) {
        gone.delete(source.container);
        let tail = tails.get(source.container);
        if (tail === undefined) {
          const { store, clock, log } = this.#options;
          const setLog = () => store.logOf(tenant, app, set);
          tail = new ContainerTail({ engine, source, setLog, common: this.#common, clock, log });
          tails.set(source.container, tail);
        }
        tail.update(run, isUp);
      }
    }
    for (const [container, tail] of gone) {
      tails.delete(container);
      this.#end(tail);
    }
  }

  /** The set is gone; what its containers wrote stays. */
  forget(key: SetKey): void {
    for (const tail of this.#tails.get(key)?.values() ?? []) this.#end(tail);
    this.#tails.delete(key);
  }

  /** Resolves when everything that was read is kept. */
  async close(): Promise<void> {
    this.#closed = true;
    const tails = [...this.#tails.values()].flatMap((some) => [...some.values()]);
    this.#tails.clear();
    await Promise.all([...tails, ...this.#ending.keys()].map((tail) => tail.close()));
    await Promise.all(this.#ending.values());
  }

  #end(tail: ContainerTail): void {
    const done = tail
      .finish()
      .catch((error: unknown) => {
        this.#options.log.warn('the output of a container could not be read to its end', { error });
      })
      .finally(() => this.#ending.delete(tail));
    this.#ending.set(tail, done);
  }
}

/** The containers of a replica that write something. */
function* writersOf(replica: ReplicaSnapshot): Generator<Writer> {
  const { id, name, revision, members } = replica;
  const common = { replica: id, name, revision };
  if (members === undefined) {
    const source = { container: replica.containerId, ...common, member: null };
    yield { source, run: replica.startedAt, isUp: UP.includes(replica.status) };
    return;
  }
  for (const { containerId, name: member, startedAt, status } of members) {
    yield { source: { container: containerId, ...common, member }, run: startedAt, isUp: UP.includes(status) };
  }
}
