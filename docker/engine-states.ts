/** Whether an Engine can be reached, by its breaker, and who wants to know. */
import type { Log } from '#core/log';
import type { BreakerState } from './breaker.ts';
import type { EngineState } from './engine.ts';

type Listener = (state: EngineState, cause: string) => void;

export class EngineStates {
  readonly #log: Log;
  readonly #listeners = new Set<Listener>();
  #state: EngineState = 'reachable';

  constructor(log: Log) {
    this.#log = log;
  }

  get state(): EngineState {
    return this.#state;
  }

  onState(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  onBreaker(breaker: BreakerState, cause: string): void {
    const state: EngineState = breaker === 'closed' ? 'reachable' : 'degraded';
    if (state === this.#state) return;
    this.#state = state;
    if (state === 'degraded') this.#log.warn('the Engine does not answer', { cause });
    else this.#log.info('the Engine answers again');
    for (const listener of [...this.#listeners]) {
      try {
        listener(state, cause);
      } catch (error) {
        // The call that moved the state went its way; it must not look as if it had failed.
        this.#log.error('a listener to the state of the Engine failed', { error });
      }
    }
  }

  close(): void {
    this.#listeners.clear();
  }
}
