/**
 * What is wrong with a host, from several sides at a time. Degraded is reported when the first trouble comes and
 * recovered when the last one has gone.
 */
import type { EventSink } from '#core/event';

/** `engine`: its calls fail. `list`: it could not be listed. `empty`: it named no container any more. */
export type Trouble = 'engine' | 'list' | 'empty';

export class HostTrouble {
  readonly #host: string;
  readonly #emit: EventSink;
  readonly #causes = new Map<Trouble, string>();

  constructor(host: string, emit: EventSink) {
    this.#host = host;
    this.#emit = emit;
  }

  /** The oldest trouble in words; null: all is well. */
  get cause(): string | null {
    return this.#causes.values().next().value ?? null;
  }

  begins(trouble: Trouble, cause: string): void {
    const well = this.#causes.size === 0;
    this.#causes.set(trouble, cause);
    if (well) this.#emit({ type: 'host.degraded', host: this.#host, cause });
  }

  ends(trouble: Trouble): void {
    if (!this.#causes.delete(trouble) || this.#causes.size > 0) return;
    this.#emit({ type: 'host.recovered', host: this.#host, cause: 'it answers again' });
  }
}
