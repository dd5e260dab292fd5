/**
 * Inspects, one at a time per container: whatever asks for a look while one is under way shares exactly one more. What a
 * look says is dropped when something newer became known meanwhile.
 */
import { isTidegateError } from '#core/errors';
import type { Engine, EngineContainer } from '#docker/engine';

export interface InspectionsOptions {
  readonly engine: Pick<Engine, 'inspect'>;
  readonly onSeen: (container: EngineContainer) => void;
  /** The Engine knows no such container. */
  readonly onGone: (id: string) => void;
  /** The Engine could not be asked: nothing is known. */
  readonly onFailed: (id: string, error: unknown) => void;
}

interface Look {
  /** Ends when the look under way has been taken in. */
  current: Promise<void>;
  /** Ends when the one after it has been; null: none is asked for. */
  next: Promise<void> | null;
  outdated: boolean;
}

export class Inspections {
  readonly #options: InspectionsOptions;
  readonly #looks = new Map<string, Look>();
  #closed = false;

  constructor(options: InspectionsOptions) {
    this.#options = options;
  }

  /** Inspects a container. Resolves, and never rejects, when a look that began after this call was taken in. */
  look(id: string): Promise<void> {
    const under = this.#looks.get(id);
    if (under === undefined) {
      const look: Look = { current: Promise.resolve(), next: null, outdated: false };
      this.#looks.set(id, look);
      look.current = this.#take(id, look);
      return look.current;
    }
    under.next ??= under.current.then(() => this.look(id));
    return under.next;
  }

  /** Says that a look under way is older than what is known by now. */
  outdate(id: string): void {
    const look = this.#looks.get(id);
    if (look !== undefined) look.outdated = true;
  }

  close(): void {
    this.#closed = true;
  }

  async #take(id: string, look: Look): Promise<void> {
    const { engine, onSeen, onGone, onFailed } = this.#options;
    const drops = (): boolean => {
      this.#looks.delete(id);
      return this.#closed || look.outdated;
    };
    try {
      const container = await engine.inspect(id);
      if (!drops()) onSeen(container);
    } catch (error) {
      if (drops()) return;
      if (isTidegateError(error, 'engine.not_found')) onGone(id);
      else onFailed(id, error);
    }
  }
}
