/**
 * Replicas that were made and that discovery does not show yet: they count as there. The Engine knows whether one that is
 * never shown is there at all, and is asked now and then.
 */
import type { Timer } from '#core/clock';
import { isTidegateError } from '#core/errors';
import type { SetSnapshot } from '#core/set';
import { UnknownHost } from './engine-away.ts';
import type { ScalerPorts } from './ports.ts';

/** How often the Engine is asked for replicas that discovery does not show. */
const LOOK_FOR_MS = 60_000;

export interface Awaited {
  readonly host: string;
  readonly containerId: string;
}

export interface AwaitedReplicasOptions {
  readonly ports: Pick<ScalerPorts, 'clock' | 'log' | 'engine' | 'refresh'>;
  /** Those that are awaited may have become fewer. */
  readonly onFewer: () => void;
}

export class AwaitedReplicas<T extends Awaited> {
  readonly #options: AwaitedReplicasOptions;
  readonly #awaited = new Map<string, T>();
  #search: Timer | null = null;
  #closed = false;

  constructor(options: AwaitedReplicasOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#awaited.size;
  }

  all(): IterableIterator<T> {
    return this.#awaited.values();
  }

  /** Takes in which replicas discovery shows. */
  shown({ replicas }: Pick<SetSnapshot, 'replicas'>): void {
    for (const { containerId } of replicas) this.#awaited.delete(containerId);
  }

  /** One was made. Resolves when discovery has looked at it; never rejects. */
  async add(made: T): Promise<void> {
    this.#awaited.set(made.containerId, made);
    this.#searchLater();
    await this.#refresh(made);
  }

  close(): void {
    this.#closed = true;
    this.#search?.cancel();
  }

  #searchLater(): void {
    if (this.#closed || this.#search !== null || this.#awaited.size === 0) return;
    this.#search = this.#options.ports.clock.after(LOOK_FOR_MS, () => void this.#lookFor());
  }

  async #lookFor(): Promise<void> {
    for (const made of [...this.#awaited.values()]) {
      const { host, containerId } = made;
      try {
        const engine = this.#options.ports.engine(host);
        if (engine === null) throw new UnknownHost(host);
        await engine.inspect(containerId);
        await this.#refresh(made);
      } catch (error) {
        if (isTidegateError(error, 'engine.not_found')) this.#awaited.delete(containerId);
      }
    }
    this.#search = null;
    if (this.#closed) return;
    this.#searchLater();
    this.#options.onFewer();
  }

  async #refresh({ host, containerId }: T): Promise<void> {
    try {
      await this.#options.ports.refresh(host, containerId);
    } catch (error) {
      this.#options.ports.log.warn('a new replica could not be looked at', {
        replica: `${host}/${containerId}`,
        error,
      });
    }
  }
}
