/** What is known of every host, kept at hand so that the API can say it while the Engine hangs. */
import type { HostRoom, HostView } from '#admin/ports';
import type { Clock } from '#core/clock';
import type { Engine } from '#docker/engine';

export class HostBoard {
  readonly #views = new Map<string, HostView>();

  constructor(engines: readonly Engine[], clock: Pick<Clock, 'wall'>) {
    for (const engine of engines) {
      const since = clock.wall();
      this.#views.set(engine.host, { name: engine.host, state: engine.state, cause: null, since, engine: null });
      engine.onState((state, cause) => {
        this.#put(engine.host, { state, cause: state === 'reachable' ? null : cause, since: clock.wall() });
        if (state === 'reachable') this.#ask(engine);
      });
      this.#ask(engine);
    }
  }

  /** How large a host is; null: not known yet. */
  capacity(host: string): HostRoom | null {
    return this.#views.get(host)?.capacity ?? null;
  }

  views(): HostView[] {
    return [...this.#views.values()];
  }

  #ask(engine: Engine): void {
    engine.info().then(
      ({ version, apiVersion, cores, memoryBytes }) =>
        this.#put(engine.host, {
          engine: { version, apiVersion },
          capacity: cores === null || memoryBytes === null ? null : { cores, memoryBytes },
        }),
      () => {},
    );
  }

  #put(host: string, change: Partial<HostView>): void {
    const view = this.#views.get(host);
    if (view !== undefined) this.#views.set(host, { ...view, ...change });
  }
}
