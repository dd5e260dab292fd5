/**
 * On which host a replica is made: the one with the fewest of its set, but where a named volume is, for as long as that
 * volume exists; what is in it is nowhere else. Images that are of no registry are used where they are.
 *
 * The host of a volume is kept before the volume is made, and outlives its app as the volume does. It is given up by
 * people alone.
 */
import { isTidegateError, TidegateError } from '#core/errors';
import { setKey } from '#core/set';
import type { Revision } from '#core/set-spec';
import type { HostEngine } from '#docker/host-engine';
import type { SetRecord } from './app-record.ts';
import type { AppsPorts } from './ports.ts';
import { volumesOf } from './replica-planning.ts';
import type { Reserve } from './reserve.ts';
import type { VolumeHomes } from './volume-homes.ts';

/** Whether a host has an image is known at once, or not at all. */
const LOOK_WITHIN_MS = 10_000;

export interface HostChoiceOptions {
  readonly ports: Pick<AppsPorts, 'engines' | 'sight'>;
  readonly homes: VolumeHomes;
  readonly reserve: Pick<Reserve, 'hasRoom'>;
}

export class HostChoice {
  readonly #ports: HostChoiceOptions['ports'];
  readonly #homes: VolumeHomes;
  readonly #reserve: HostChoiceOptions['reserve'];

  constructor({ ports, homes, reserve }: HostChoiceOptions) {
    this.#ports = ports;
    this.#homes = homes;
    this.#reserve = reserve;
  }

  /**
   * @throws TidegateError `engine.unreachable` while the only host that will do is away, `volume.host_removed` when that is
   * not among the hosts any more, `volume.missing` when it has lost the volume, `volume.left_behind` when the only one was given up, `image.not_found`
   */
  async choose(set: SetRecord, revision: Revision): Promise<HostEngine> {
    const volumes = volumesOf(set.tenant, set.app, revision.spec);
    if (volumes.length === 0) return await this.#freest(set, revision, []);
    // Two replicas that are made at a time do not find two homes for one volume.
    return await this.#homes.turns.take(`${set.tenant}/${set.app}`, () => this.#homeOf(volumes, set, revision));
  }

  async #homeOf(volumes: readonly string[], set: SetRecord, revision: Revision): Promise<HostEngine> {
    const homes = new Map<string, string>();
    for (const volume of volumes) {
      const host = await this.#knownHome(volume);
      if (host !== null) homes.set(volume, host);
    }
    const hosts = [...new Set(homes.values())];
    if (hosts.length > 1) {
      const where = [...homes].map(([volume, host]) => `${volume} on ${host}`).join(', ');
      throw new TidegateError('engine.unreachable', `no host has all volumes of the replica: ${where}`);
    }
    const [home] = hosts;
    const engine = home === undefined ? await this.#freest(set, revision, volumes) : this.#reachable(home, volumes);
    // An empty one in its place would be data given up in silence.
    const there = new Set((await engine.volumes()).map(({ name }) => name));
    const missing = this.#homes.missingFrom(engine.host, volumes, there).join(', ');
    if (missing !== '') {
      throw new TidegateError(
        'volume.missing',
        `the volume ${missing} was on ${engine.host}, and is not there any more`,
      );
    }
    await this.#homes.settle(
      volumes.filter((one) => this.#homes.homeOf(one) === null),
      engine.host,
    );
    return engine;
  }

  /** As it was kept, else a host that has the volume and was not given up. Null: none that answers has. */
  async #knownHome(volume: string): Promise<string | null> {
    const kept = this.#homes.homeOf(volume);
    if (kept !== null) return kept;
    for (const engine of this.#able([volume])) {
      if ((await engine.volumes()).some(({ name }) => name === volume)) return engine.host;
    }
    return null;
  }

  #reachable(host: string, volumes: readonly string[]): HostEngine {
    const found = this.#ports.engines().find((one) => one.host === host);
    if (this.#homes.leftHosts(volumes).includes(host)) {
      throw new TidegateError('volume.left_behind', `one of its volumes was given up on ${host}, where another is`);
    }
    if (found?.state === 'reachable') return found;
    const there = `and the volume ${volumes.join(', ')} is there`;
    if (found !== undefined) {
      throw new TidegateError('engine.unreachable', `the host ${host} does not answer, ${there}`);
    }
    throw new TidegateError('volume.host_removed', `the host ${host} is not in TIDEGATE_DOCKER any more, ${there}`);
  }

  /**
   * The host with the fewest replicas of the set, among those that answer and have, or can get, its images; one with room
   * for it goes before one without.
   * @param volumes that it is to have: not where one of them was given up
   */
  async #freest(set: SetRecord, revision: Revision, volumes: readonly string[]): Promise<HostEngine> {
    const replicas = this.#ports.sight(setKey(set.tenant, set.app, set.name))?.replicas ?? [];
    const load = (engine: HostEngine): number => replicas.filter((one) => one.host === engine.host).length;
    const able = this.#able(volumes);
    const [first] = able;
    if (first === undefined) {
      const left = this.#homes.leftHosts(volumes).join(', ');
      if (this.#able([]).length === 0) throw new TidegateError('engine.unreachable', 'no host answers');
      throw new TidegateError('volume.left_behind', `its volume was given up on ${left}, and no other host answers`);
    }
    // Room is counted over all sets: not where there is no choice.
    if (able.length === 1) return first;
    const isFull = new Map(
      able.map(({ host }) => [host, this.#reserve.hasRoom(host, revision.spec.resources) ? 0 : 1]),
    );
    const fullness = ({ host }: HostEngine): number => isFull.get(host) ?? 0;
    const local = Object.values(revision.images).filter((one) => one.digest === null);
    for (const engine of able.toSorted((a, b) => fullness(a) - fullness(b) || load(a) - load(b))) {
      if (
        await hasAll(
          engine,
          local.map((one) => one.id),
        )
      )
        return engine;
    }
    const names = local.map((one) => one.reference).join(', ');
    throw new TidegateError('image.not_found', `no host that answers has ${names}, which no registry has`);
  }

  /** Those that answer, and where none of these volumes was given up. */
  #able(volumes: readonly string[]): readonly HostEngine[] {
    const left = this.#homes.leftHosts(volumes);
    return this.#ports.engines().filter((one) => one.state === 'reachable' && !left.includes(one.host));
  }
}

async function hasAll(engine: HostEngine, images: readonly string[]): Promise<boolean> {
  try {
    for (const id of images) {
      await engine.ensureImage(id, { pull: 'never', signal: AbortSignal.timeout(LOOK_WITHIN_MS) });
    }
    return true;
  } catch (error) {
    if (isTidegateError(error, 'image.not_found')) return false;
    throw error;
  }
}
