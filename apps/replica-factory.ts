/**
 * Makes replicas of revisions: chooses a host, sees to it that image, network and volumes are there, and has the Engine
 * make the containers. What went wrong is remembered for whoever waits for the replica.
 */
import { isTidegateError, messageOf, TidegateError } from '#core/errors';
import { INSTANCE_LABEL } from '#core/replica-labels';
import { type SetKey, setKey } from '#core/set';
import type { Revision } from '#core/set-spec';
import type { HostEngine } from '#docker/host-engine';
import type { AppImages } from './app-images.ts';
import type { AppLibrary } from './app-library.ts';
import { type SetRecord, secretContext } from './app-record.ts';
import { HostChoice } from './host-choice.ts';
import type { AppsPorts } from './ports.ts';
import { limitsOf, networkName, planMember, planReplica, volumesOf } from './replica-planning.ts';
import { Reserve } from './reserve.ts';
import { secretVersion } from './revision-shelf.ts';
import type { VolumeHomes } from './volume-homes.ts';

/** An image that is pinned is pulled for as long as it takes, within reason. */
const IMAGE_WITHIN_MS = 600_000;

export interface MadeReplica {
  readonly host: string;
  /** Of its pause container. */
  readonly containerId: string;
}

export interface FactoryFault {
  readonly code: string;
  readonly message: string;
}

export interface ReplicaFactoryOptions {
  readonly ports: AppsPorts;
  readonly library: AppLibrary;
  readonly images: AppImages;
  readonly homes: VolumeHomes;
}

export class ReplicaFactory {
  /** What of the hosts is there for the next replica. */
  readonly reserve: Reserve;
  readonly #options: ReplicaFactoryOptions;
  readonly #homes: HostChoice;
  /** The last fault by set and share. Monotonic ms. */
  readonly #faults = new Map<string, FactoryFault & { readonly at: number; readonly count: number }>();

  constructor(options: ReplicaFactoryOptions) {
    this.#options = options;
    this.reserve = new Reserve(options);
    this.#homes = new HostChoice({ ...options, reserve: this.reserve });
  }

  /**
   * Makes one replica; it is not started.
   * @param share what its replicas are labelled with
   * @throws TidegateError when it cannot be made; nothing is left behind then
   */
  async make(key: SetKey, share: string): Promise<MadeReplica> {
    const id = `${key} ${share}`;
    try {
      const made = await this.#make(key, share);
      this.#faults.delete(id);
      return made;
    } catch (error) {
      const code = isTidegateError(error) ? error.code : 'replica.failed';
      const count = (this.#faults.get(id)?.count ?? 0) + 1;
      this.#faults.set(id, { code, message: messageOf(error), at: this.#options.ports.clock.now(), count });
      throw error;
    }
  }

  /** Why replicas of a share could not be made since then (monotonic ms), again and again; null: they could. */
  faultOf(key: SetKey, share: string, since: number): FactoryFault | null {
    const fault = this.#faults.get(`${key} ${share}`);
    return fault !== undefined && fault.at >= since && fault.count > 1 ? fault : null;
  }

  /**
   * Replaces members of a replica as a revision has them.
   * @param replica `<host>/<id of the pause container>`
   */
  async replaceMembers(set: SetRecord, revision: Revision, members: readonly number[], replica: string): Promise<void> {
    const { host, containerId } = placeOf(replica);
    const engine = this.#engine(host);
    const { tenant, app, name } = set;
    const secrets = await this.#secretsOf(set, revision);
    const plans = revision.spec.containers
      .filter((one) => members.includes(one.index))
      .map((one) => planMember(one, { tenant, app, set: name, revision, secrets }));
    for (const plan of plans) await this.#ensureImage(engine, set, revision, plan.index);
    await engine.replaceMembers(containerId, plans, {
      'tidegate.tenant': tenant,
      'tidegate.app': app,
      'tidegate.set': name,
      'tidegate.revision': revision.share,
    });
  }

  /** Gives the members of a replica what a revision allows them, as they run. */
  async resize(revision: Revision, replica: string): Promise<void> {
    const { host, containerId } = placeOf(replica);
    const { spec } = revision;
    const limits = spec.containers.map((one) => ({ index: one.index, ...limitsOf(spec, one) }));
    await this.#engine(host).resize(containerId, limits);
  }

  async #make(key: SetKey, share: string): Promise<MadeReplica> {
    const { ports, library } = this.#options;
    const set = this.#setOf(key);
    const revision = this.#revisionOf(set, share);
    const { tenant, app, name } = set;
    const engine = await this.#homes.choose(set, revision);
    for (const { index } of revision.spec.containers) await this.#ensureImage(engine, set, revision, index);
    const labelsOf = (owner: string) => ({
      'tidegate.tenant': tenant,
      'tidegate.app': owner,
      [INSTANCE_LABEL]: ports.instance,
    });
    const labels = labelsOf(app);
    const links = revision.spec.links.filter((one) => one !== app && library.app(tenant, one) !== null);
    for (const one of [app, ...links]) {
      await engine.ensureNetwork({ name: networkName(tenant, one), labels: labelsOf(one) });
    }
    const volumes = volumesOf(tenant, app, revision.spec);
    for (const volume of volumes) await engine.ensureVolume({ name: volume, labels });
    await this.#options.homes.made(volumes, engine.host);
    const plan = planReplica({
      ...{ tenant, app, set: name, revision, links },
      id: ports.newId('rep'),
      instance: ports.instance,
      secrets: await this.#secretsOf(set, revision),
    });
    return { host: engine.host, containerId: await engine.makeReplica(plan) };
  }

  async #ensureImage(engine: HostEngine, set: SetRecord, revision: Revision, index: number): Promise<void> {
    const image = revision.images[index];
    const container = revision.spec.containers.find((one) => one.index === index)?.name ?? '';
    if (image === undefined) return;
    const signal = AbortSignal.timeout(IMAGE_WITHIN_MS);
    await this.#options.images.ensurePinned(image, { set, container }, { engine, signal });
  }

  async #secretsOf({ tenant, app }: SetRecord, revision: Revision): Promise<Record<string, string>> {
    const { library, ports } = this.#options;
    const values: Record<string, string> = {};
    for (const name of revision.secrets) {
      const sealed = await library.secret(tenant, app, name, secretVersion(revision, name));
      if (sealed !== null) values[name] = ports.unseal(sealed, secretContext(tenant, app, name));
    }
    return values;
  }

  #setOf(key: SetKey): SetRecord {
    const [tenant = '', app = '', name = ''] = key.split('/');
    const set = this.#options.library.set(tenant, app, name);
    if (set === null) throw new TidegateError('apps.gone', `the set ${key} is not there any more`);
    return set;
  }

  /** Of those whose replicas carry that label, the one in force, else the newest. */
  #revisionOf(set: SetRecord, share: string): Revision {
    const all = this.#options.library.revisions(set.tenant, set.app, set.name).filter((one) => one.share === share);
    const found = all.find((one) => one.number === set.current) ?? all.at(-1);
    if (found === undefined) {
      const key = setKey(set.tenant, set.app, set.name);
      throw new TidegateError('apps.gone', `the set ${key} has no revision ${share} any more`);
    }
    return found;
  }

  #engine(host: string): HostEngine {
    const found = this.#options.ports.engines().find((one) => one.host === host);
    if (found === undefined) throw new TidegateError('engine.unreachable', `the host ${host} is not known any more`);
    return found;
  }
}

/** `<host>/<container id>`. */
export function placeOf(replica: string): MadeReplica {
  const at = replica.lastIndexOf('/');
  return { host: replica.slice(0, at), containerId: replica.slice(at + 1) };
}
