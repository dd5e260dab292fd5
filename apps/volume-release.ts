/**
 * The way out when the host of a volume is gone for good: a person gives the volume up there, and its set begins anew on
 * another host, without its data. Nobody does so on his own, and never while the host answers.
 *
 * When that host comes back its volume is neither used nor removed; replicas of before that still run there with it are no
 * part of their set any more, and are taken away.
 */
import type { HostEngine } from '#docker/host-engine';
import type { AppLibrary } from './app-library.ts';
import type { SetRecord } from './app-record.ts';
import type { Asker } from './asker.ts';
import type { AppsPorts } from './ports.ts';
import { volumesOf } from './replica-planning.ts';
import type { VolumeHomes, VolumeLeft } from './volume-homes.ts';

/** Whether the host of a volume is there: `removed`: not among the hosts of the settings; `missing`: it has lost the volume. */
export type HomeState = 'reachable' | 'silent' | 'removed' | 'missing';

/** A volume of a set, and where it is. */
export interface VolumeHome {
  /** The Engine's name. */
  readonly volume: string;
  readonly host: string;
  readonly state: HomeState;
}

/** Why a volume is not given up: none of the set is there, or its host answers. */
export type StaysHome = 'elsewhere' | 'reachable';

export interface VolumeReleaseOptions {
  readonly ports: Pick<AppsPorts, 'clock' | 'emit' | 'engines'>;
  readonly library: Pick<AppLibrary, 'sets' | 'revision'>;
  readonly homes: VolumeHomes;
  /** What is in force of a set may have changed. */
  readonly declare: (set: SetRecord) => void;
}

export class VolumeRelease {
  readonly #options: VolumeReleaseOptions;

  constructor(options: VolumeReleaseOptions) {
    this.#options = options;
  }

  /** Those of its volumes whose host is known. */
  homesOf(set: SetRecord): readonly VolumeHome[] {
    return this.#volumesOf(set).flatMap((volume) => {
      const host = this.#options.homes.homeOf(volume);
      return host === null ? [] : [{ volume, host, state: this.#stateOf(host, volume) }];
    });
  }

  /** Those that were given up, and are still where they were as far as anybody knows. */
  leftOf(set: SetRecord): readonly VolumeLeft[] {
    return this.#options.homes.left(this.#volumesOf(set));
  }

  /** Hosts whose replicas are no part of the set any more. */
  leftHostsOf(set: SetRecord): readonly string[] {
    return this.#options.homes.leftHosts(this.#volumesOf(set));
  }

  /**
   * Gives up what a set has on a host. Other sets of the app that have the same volumes begin anew with it.
   * @returns what is left behind there
   * @throws TidegateError of the `store.` family, and nothing has changed
   */
  async giveUp({ tenant, by }: Asker, set: SetRecord, host: string): Promise<readonly VolumeLeft[] | StaysHome> {
    const { homes, ports } = this.#options;
    const { app, name } = set;
    const given = await homes.turns.take(`${tenant}/${app}`, async () => {
      const refusal = this.refusal(set, host);
      if (refusal !== null) return refusal;
      const at = ports.clock.wall();
      const away = this.homesOf(set).filter((one) => one.host === host && one.state !== 'reachable');
      const lost = away.filter((one) => one.state === 'missing').map((one) => one.volume);
      const left = away
        .filter((one) => one.state !== 'missing')
        .map(({ volume }) => ({ tenant, app, volume, host, by, at, told: false }));
      await homes.giveUp(left, lost);
      return { left, volumes: away.map((one) => one.volume) };
    });
    if (typeof given === 'string') return given;
    const { left, volumes } = given;
    const what = left.length === 0 ? `it was not on ${host} any more` : `what is there on ${host} stays behind`;
    const cause = `${by} asked for it for ${volumes.join(', ')}: ${what}`;
    ports.emit({ type: 'volume.given_up', tenant, app, set: name, host, cause, data: { volumes } });
    this.#declareAll(tenant, app);
    return left;
  }

  /** Why it would not be done; null: it would. */
  refusal(set: SetRecord, host: string): StaysHome | null {
    const homes = this.homesOf(set).filter((one) => one.host === host);
    if (homes.length === 0) return 'elsewhere';
    return homes.every((one) => one.state === 'reachable') ? 'reachable' : null;
  }

  /**
   * Looks at what was given up on a host that answers.
   * @throws TidegateError of the `engine.` and `store.` families
   */
  async look(engine: Pick<HostEngine, 'host' | 'volumes'>): Promise<void> {
    const { homes, ports } = this.#options;
    const left = homes.leftOn(engine.host);
    if (left.length === 0) return;
    const there = new Set((await engine.volumes()).map((one) => one.name));
    for (const one of left) {
      const { tenant, app, volume, host } = one;
      if (!there.has(volume)) {
        await homes.gone(volume, host);
        this.#declareAll(tenant, app);
      } else if (!one.told) {
        await homes.told(one);
        const cause = `${host} answers and has the volume ${volume}, which ${one.by} gave up: it is not used, and not removed`;
        ports.emit({ type: 'volume.returned', tenant, app, host, cause, data: { volume } });
      }
    }
  }

  #declareAll(tenant: string, app: string): void {
    for (const set of this.#options.library.sets(tenant, app)) this.#options.declare(set);
  }

  #stateOf(host: string, volume: string): HomeState {
    const engine = this.#options.ports.engines().find((one) => one.host === host);
    if (engine === undefined) return 'removed';
    if (engine.state !== 'reachable') return 'silent';
    return this.#options.homes.isMissing(volume) ? 'missing' : 'reachable';
  }

  /** As it is wished, and as it is in force. */
  #volumesOf({ tenant, app, name, spec, current }: SetRecord): readonly string[] {
    const revision = current === null ? null : this.#options.library.revision(tenant, app, name, current);
    const specs = revision === null ? [spec] : [spec, revision.spec];
    return [...new Set(specs.flatMap((one) => volumesOf(tenant, app, one)))];
  }
}
