/** What is known of every host, kept at hand so that the API can say it while the Engine hangs. */
import type { HostView } from '#admin/ports';
import type { Engine } from '#docker/engine';

export class HostBoard {
  readonly #views = new Map<string, HostView>();

  constructor(engines: readonly Engine[]) {
    for (const engine of engines) {
      this.#views.set(engine.host, { name: engine.host, state: engine.state, cause: null, engine: null });
      engine.onState((state, cause) => {
        this.#put(engine.host, { state, cause: state === 'reachable' ? null : cause });
        if (state === 'reachable') this.#ask(engine);
      });
      this.#ask(engine);
    }
  }

  views(): HostView[] {
    return [...this.#views.values()];
  }

  #ask(engine: Engine): void {
    engine.info().then(
      ({ version, apiVersion }) => this.#put(engine.host, { engine: { version, apiVersion } }),
      () => {},
    );
  }

  #put(host: string, change: Partial<HostView>): void {
    const view = this.#views.get(host);
    if (view !== undefined) this.#views.set(host, { ...view, ...change });
  }
}
