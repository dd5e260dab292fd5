/**
 * Makes revisions: pins every image to what its name means now, so that no later change of a tag changes what runs, and
 * keeps the images of those that can be gone back to.
 */
import { isTidegateError, TidegateError } from '#core/errors';
import type { ContainerSpec, PinnedImage, Revision, SetSpec } from '#core/set-spec';
import type { HostEngine } from '#docker/host-engine';
import { type AppImages, keptFor, type PinTools } from './app-images.ts';
import type { AppLibrary, SetPlace } from './app-library.ts';
import type { SetRecord } from './app-record.ts';
import type { AppsPorts } from './ports.ts';

export interface RevisionDraft {
  readonly set: SetRecord;
  readonly spec: SetSpec;
  readonly by: string;
  readonly cause: string;
  /** Indices of the containers that are replaced in replicas as they are; empty: replicas are made anew. */
  readonly members: readonly number[];
  /** Id of the deployment that it is for. */
  readonly deployment: string;
}

/** What containers get of their app. */
export type Surroundings = Required<Pick<Revision, 'env' | 'secrets' | 'secretVersions'>>;

export interface RevisionMakerOptions {
  readonly ports: Pick<AppsPorts, 'engines' | 'clock' | 'log'>;
  readonly library: AppLibrary;
  readonly images: AppImages;
}

export class RevisionMaker {
  readonly #options: RevisionMakerOptions;

  constructor(options: RevisionMakerOptions) {
    this.#options = options;
  }

  /**
   * The revision of a set that a deployment brings: the next one, or the one that it made before it was cut off.
   * @throws TidegateError `image.…` when an image cannot be had, `store.…`
   */
  async make(draft: RevisionDraft, tools: Omit<PinTools, 'engine'>): Promise<Revision> {
    const made = this.#madeFor(draft.set, draft.deployment);
    if (made === null) return await this.#makeNext(draft, tools);
    try {
      await keepImages(anyEngine(this.#options.ports.engines()), draft.set, made);
    } catch (error) {
      // It was pinned on another host: who makes replicas has it pulled and kept where they are made.
      if (!isTidegateError(error, 'image.not_found')) throw error;
    }
    return made;
  }

  async #makeNext(draft: RevisionDraft, tools: Omit<PinTools, 'engine'>): Promise<Revision> {
    const { library, ports, images: appImages } = this.#options;
    const { set, by, cause, members, deployment } = draft;
    const current = set.current === null ? null : library.revision(set.tenant, set.app, set.name, set.current);
    const isUpdate = members.length > 0 && current !== null;
    const spec = isUpdate ? withMembers(current.spec, draft.spec, members) : draft.spec;
    const engine = anyEngine(ports.engines());
    const images: Record<number, PinnedImage> = {};
    for (const container of spec.containers) {
      const kept = isUpdate && !members.includes(container.index) ? current.images[container.index] : undefined;
      const wish = { set, reference: container.image, pull: spec.pull, container: container.name };
      images[container.index] = kept ?? (await appImages.pin(wish, { ...tools, engine }));
    }
    const revision = await library.addRevision(
      set,
      (_, number): Revision => ({
        name: `r${number}`,
        number,
        share: isUpdate ? current.share : `r${number}`,
        createdAt: ports.clock.wall(),
        by,
        cause,
        spec,
        images,
        // Members that stay go on with what they were made with: all of a replica have the same.
        ...(isUpdate ? surroundingsOf(current) : this.surroundings(set)),
        provedAt: null,
        deployment,
      }),
    );
    await keepImages(engine, set, revision);
    return revision;
  }

  #madeFor({ tenant, app, name }: SetPlace, deployment: string | null): Revision | null {
    if (deployment === null) return null;
    return this.#options.library.revisions(tenant, app, name).find((one) => one.deployment === deployment) ?? null;
  }

  /** What the app gives to all its containers now. */
  surroundings({ tenant, app }: Pick<SetRecord, 'tenant' | 'app'>): Surroundings {
    const { library } = this.#options;
    const secrets = library.secrets(tenant, app);
    return {
      env: library.app(tenant, app)?.env ?? {},
      secrets: secrets.map((one) => one.name),
      secretVersions: Object.fromEntries(secrets.map(({ name, version }) => [name, version])),
    };
  }

  /**
   * Takes a revision up again as a new one: its replicas are told from those of the one in force.
   * @param of made of the set when its turn has come
   * @param why `deployment`: it is for that one, which may have made it before it was cut off; null: for none yet
   */
  async again(
    set: SetPlace,
    of: (now: SetRecord) => Revision,
    why: Pick<Revision, 'by' | 'cause'> & { readonly deployment: string | null },
  ): Promise<Revision> {
    const { library, ports } = this.#options;
    const made = this.#madeFor(set, why.deployment);
    if (made !== null) return made;
    return await library.addRevision(set, (now, number) => {
      const name = `r${number}`;
      return { ...of(now), name, number, share: name, createdAt: ports.clock.wall(), ...why, provedAt: null };
    });
  }

  /** Lets go of revisions beyond those that are kept: what the store does not take now goes with the next. */
  async prune(set: SetRecord): Promise<void> {
    const { library } = this.#options;
    const dropped = await this.#drop(set);
    const kept = new Set(library.revisions(set.tenant, set.app, set.name).flatMap(imagesOf));
    const unused = new Set(dropped.flatMap(imagesOf).filter((id) => !kept.has(id)));
    for (const id of unused) await this.#release(keptFor(set, id));
  }

  /** Lets go of the images of a set that is going. */
  async letGo(set: SetRecord): Promise<void> {
    const all = this.#options.library.revisions(set.tenant, set.app, set.name);
    for (const id of new Set(all.flatMap(imagesOf))) await this.#release(keptFor(set, id));
  }

  /** What has proved itself by now is no worse for an old revision that stays. */
  async #drop({ tenant, app, name }: SetRecord): Promise<readonly Revision[]> {
    const { library, ports } = this.#options;
    try {
      return await library.prune(tenant, app, name);
    } catch (error) {
      if (!isTidegateError(error)) throw error;
      ports.log.warn('old revisions could not be dropped', { set: `${tenant}/${app}/${name}`, error });
      return [];
    }
  }

  /** An image that cannot be let go of now takes room, and nothing else. */
  async #release(reason: string): Promise<void> {
    const { ports } = this.#options;
    for (const engine of ports.engines()) {
      try {
        await engine.releaseImage(reason);
      } catch (error) {
        if (!isTidegateError(error)) throw error;
        ports.log.warn('an image of an old revision could not be let go of', { host: engine.host, reason, error });
      }
    }
  }
}

async function keepImages(engine: HostEngine, set: SetRecord, { images }: Revision): Promise<void> {
  for (const { id } of Object.values(images)) await engine.keepImage(id, keptFor(set, id));
}

function surroundingsOf({ env, secrets, secretVersions = {} }: Revision): Surroundings {
  return { env, secrets, secretVersions };
}

function imagesOf({ images }: Revision): readonly string[] {
  return Object.values(images).map((one) => one.id);
}

/** The spec in force with some of its containers as another spec has them. */
function withMembers(current: SetSpec, next: SetSpec, members: readonly number[]): SetSpec {
  const containers = current.containers.map((one): ContainerSpec => {
    const replacement = next.containers.find((other) => other.index === one.index);
    return members.includes(one.index) && replacement !== undefined ? replacement : one;
  });
  return { ...current, containers };
}

function anyEngine(engines: readonly HostEngine[]): HostEngine {
  const found = engines.find((one) => one.state === 'reachable') ?? engines[0];
  if (found === undefined) throw new TidegateError('engine.unreachable', 'there is no host to run anything on');
  return found;
}
