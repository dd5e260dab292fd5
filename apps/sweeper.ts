/**
 * Takes away what nobody stands for: containers and networks that this Tidegate made and whose app or set is not there
 * any more, and replicas that were only half made, or half removed, when it was killed. Volumes are data, and stay until they
 * are asked to go. What carries the label of another instance, or none, is never touched.
 */
import { pause } from '#core/clock';
import { isTidegateError } from '#core/errors';
import { INSTANCE_LABEL, ROLE_LABEL } from '#core/replica-labels';
import type { EngineContainerSummary } from '#docker/engine';
import type { HostEngine } from '#docker/host-engine';
import type { AppLibrary } from './app-library.ts';
import type { AppsPorts } from './ports.ts';
import type { VolumeHomes } from './volume-homes.ts';
import type { VolumeRelease } from './volume-release.ts';

const STOP_S = 10;
const SWEEP_MS = 60_000;
/** After the first look: what an Engine was still about to make for a process that was killed is there by then. */
const SECOND_LOOK_MS = 5000;

export interface SweeperOptions {
  readonly ports: Pick<AppsPorts, 'clock' | 'engines' | 'instance' | 'log'>;
  readonly library: AppLibrary;
  readonly homes: VolumeHomes;
  readonly release: Pick<VolumeRelease, 'leftHostsOf' | 'look'>;
}

interface Found {
  readonly engine: HostEngine;
  readonly containers: readonly EngineContainerSummary[];
}

export class Sweeper {
  readonly #options: SweeperOptions;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /** Looks every minute until the signal aborts, soon after the first time, and whenever a host answers again. Never rejects. */
  async sweepOnAndOn(signal: AbortSignal): Promise<void> {
    const { clock, log, engines } = this.#options.ports;
    let back = new AbortController();
    let waitMs = SECOND_LOOK_MS;
    const stops = engines().map((one) => one.onState((state) => void (state === 'reachable' && back.abort())));
    while (!signal.aborted) {
      back = new AbortController();
      await this.sweep().catch((error) => log.error('a sweep failed', { error }));
      const why = await pause(clock, waitMs, AbortSignal.any([back.signal, signal]));
      if (why === 'elapsed') waitMs = SWEEP_MS;
    }
    for (const stop of stops) stop();
  }

  /** One look at all hosts. Never rejects: what cannot be taken away now is looked at again later. */
  async sweep(): Promise<void> {
    await this.#onEachHost((engine) => this.#sweepHost(engine));
  }

  /**
   * Takes away all containers of an app (or one set of it) and, for a whole app, its network; its volumes too if that is asked.
   * @throws TidegateError of the `engine.` family
   */
  async clear(tenant: string, app: string, what: { readonly set?: string; readonly volumes: boolean }): Promise<void> {
    for (const { engine, containers } of await this.#all()) {
      const own = containers.filter(
        ({ labels }) =>
          labels['tidegate.tenant'] === tenant &&
          labels['tidegate.app'] === app &&
          (what.set === undefined || labels['tidegate.set'] === what.set),
      );
      await this.#remove(engine, own);
      if (what.set !== undefined) continue;
      const isOwn = (labels: Readonly<Record<string, string>>): boolean =>
        labels['tidegate.tenant'] === tenant && labels['tidegate.app'] === app && this.#isOurs(labels);
      for (const { name, labels } of await engine.networks()) if (isOwn(labels)) await engine.removeNetwork(name);
      if (!what.volumes) continue;
      for (const { name, labels } of await engine.volumes()) {
        if (!isOwn(labels)) continue;
        await engine.removeVolume(name);
        await this.#options.homes.gone(name, engine.host);
      }
    }
  }

  async #onEachHost(act: (engine: HostEngine) => Promise<void>): Promise<void> {
    for (const engine of this.#options.ports.engines()) {
      try {
        await act(engine);
      } catch (error) {
        if (!isTidegateError(error)) throw error;
        this.#options.ports.log.warn('a host could not be swept', { host: engine.host, error });
      }
    }
  }

  async #all(): Promise<readonly Found[]> {
    const { engines } = this.#options.ports;
    return await Promise.all(
      engines().map(async (engine) => ({
        engine,
        containers: (await engine.list()).filter((one) => this.#isOurs(one.labels)),
      })),
    );
  }

  async #sweepHalves(engine: HostEngine): Promise<void> {
    const { instance, log } = this.#options.ports;
    const replicas = await engine.sweepReplicas(instance);
    if (replicas.length > 0)
      log.info('what was left in the middle of replicas was tidied up', { host: engine.host, replicas });
  }

  async #sweepHost(engine: HostEngine): Promise<void> {
    const { library, ports, release } = this.#options;
    await this.#sweepHalves(engine);
    const containers = (await engine.list()).filter((one) => this.#isOurs(one.labels));
    const orphans = containers.filter(({ labels }) => this.#isOrphan(labels, engine.host));
    if (orphans.length > 0) {
      ports.log.info('containers that nobody stands for are removed', { host: engine.host, count: orphans.length });
      await this.#remove(engine, orphans);
    }
    for (const { name, labels } of await engine.networks()) {
      const { 'tidegate.tenant': tenant = '', 'tidegate.app': app = '' } = labels;
      if (this.#isOurs(labels) && library.app(tenant, app) === null) await engine.removeNetwork(name);
    }
    await release.look(engine);
  }

  async #remove(engine: HostEngine, containers: readonly EngineContainerSummary[]): Promise<void> {
    // With its pause container a replica goes as a whole; what is left after that had none.
    const pauses = containers.filter((one) => one.labels[ROLE_LABEL] === 'pause');
    const others = containers.filter((one) => one.labels[ROLE_LABEL] !== 'pause');
    await Promise.all(pauses.map((one) => removeOne(engine, one.id)));
    await Promise.all(others.map((one) => removeOne(engine, one.id)));
  }

  #isOurs(labels: Readonly<Record<string, string>>): boolean {
    return labels[INSTANCE_LABEL] === this.#options.ports.instance && labels['tidegate.app'] !== undefined;
  }

  /** Of no set that is there, or of one that was given up on that host. */
  #isOrphan(labels: Readonly<Record<string, string>>, host: string): boolean {
    const { library, release } = this.#options;
    const { 'tidegate.tenant': tenant = '', 'tidegate.app': app = '', 'tidegate.set': name = '' } = labels;
    const set = library.set(tenant, app, name);
    return set === null || release.leftHostsOf(set).includes(host);
  }
}

async function removeOne(engine: HostEngine, id: string): Promise<void> {
  try {
    await engine.stop(id, STOP_S);
    await engine.remove(id);
  } catch (error) {
    if (!isTidegateError(error, 'engine.not_found')) throw error;
  }
}
