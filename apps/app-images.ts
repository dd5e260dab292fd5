/**
 * Images for sets: had from their registries with the credentials of the tenant, or used where a host has them already
 * and the tenant may; pinned for revisions, and there again for replicas when somebody took them away.
 */
import { isTidegateError, messageOf, TidegateError } from '#core/errors';
import type { EventDraft } from '#core/event';
import { registryHostOf, repositoryOf } from '#core/registry-host';
import type { PinnedImage, SetSpec } from '#core/set-spec';
import type { EngineImage, HostEngine, RegistryAuth } from '#docker/host-engine';
import type { AppLibrary } from './app-library.ts';
import type { SetRecord } from './app-record.ts';
import { ImageRights } from './image-rights.ts';
import type { PullSight } from './operation-record.ts';
import type { AppsPorts } from './ports.ts';
import type { RegistryBook } from './registry-book.ts';

type SetName = Pick<SetRecord, 'tenant' | 'app' | 'name'>;

export interface AppImagesOptions {
  readonly ports: Pick<AppsPorts, 'engines' | 'emit' | 'clock'>;
  readonly library: AppLibrary;
  readonly registries: RegistryBook;
}

export interface ImageWish {
  readonly set: SetName;
  readonly reference: string;
  readonly pull: SetSpec['pull'];
  /** Name of the container that it is for. */
  readonly container: string;
}

export interface PinTools {
  readonly engine: HostEngine;
  readonly signal: AbortSignal;
  /** Of the operation that asks; left out: none does. */
  readonly correlationId?: string;
  /** Told of every news; null: it is over. */
  readonly onPull?: (pull: PullSight | null) => void;
}

export class AppImages {
  readonly #options: AppImagesOptions;
  readonly #rights: ImageRights;
  /** Pulls under way, by tenant and reference. */
  readonly #pulling = new Map<string, number>();

  constructor(options: AppImagesOptions) {
    this.#options = options;
    this.#rights = new ImageRights(options);
  }

  /** What the name of an image means now. @throws TidegateError of the `image.` family */
  async pin(wish: ImageWish, tools: PinTools): Promise<PinnedImage> {
    const { reference, set, pull } = wish;
    this.#rights.checkName(reference);
    const auth = await this.#options.registries.credentials(set.tenant, registryHostOf(reference));
    const isId = repositoryOf(reference) === null;
    const { id, digest } =
      (pull === 'always' && !isId ? null : await this.#copy(wish, auth, tools)) ??
      (await this.#pull(wish, auth, tools));
    return { reference, id, digest };
  }

  /**
   * Has the image of a revision on a host: by its id while it is there, by its digest otherwise.
   * @throws TidegateError of the `image.` family
   */
  async ensurePinned(image: PinnedImage, wish: Omit<ImageWish, 'reference' | 'pull'>, tools: PinTools): Promise<void> {
    const { engine, signal } = tools;
    try {
      await engine.ensureImage(image.id, { pull: 'never', signal });
    } catch (error) {
      if (image.digest === null || !isTidegateError(error, 'image.not_found')) throw error;
      const auth = await this.#options.registries.credentials(wish.set.tenant, registryHostOf(image.digest));
      await this.#pull({ ...wish, reference: image.digest, pull: 'missing' }, auth, tools);
      await engine.keepImage(image.id, keptFor(wish.set, image.id));
    }
  }

  /** The one that the host has. Null: it is to be pulled. */
  async #copy(wish: ImageWish, auth: RegistryAuth | null, { engine, signal }: PinTools): Promise<EngineImage | null> {
    const { reference, pull, set } = wish;
    const isNeverPulled = pull === 'never' || repositoryOf(reference) === null;
    try {
      const copy = await engine.ensureImage(reference, { pull: 'never', signal });
      const claim = { tenant: set.tenant, reference, auth };
      // A pull of the tenant's own that is just ending proves as much: it is joined, and the registry not asked once more.
      const isJoined = !isNeverPulled && this.#pulling.has(pullOf(set.tenant, reference));
      if (isJoined && !this.#rights.has(claim, copy)) return null;
      await this.#rights.prove(claim, copy, { engine, signal });
      return copy;
    } catch (error) {
      // What the registry has no more under that digest it may have under the tag.
      if (isNeverPulled || !isTidegateError(error, 'image.not_found')) throw withLogin(error);
      return null;
    }
  }

  async #pull(wish: ImageWish, auth: RegistryAuth | null, tools: PinTools): Promise<EngineImage> {
    const { engine, signal, onPull } = tools;
    const { reference, container } = wish;
    const { registries, ports } = this.#options;
    const { clock } = ports;
    const repository = repositoryOf(reference);
    if (auth !== null && repository !== null) await registries.guard(repository);
    const key = pullOf(wish.set.tenant, reference);
    this.#pulling.set(key, (this.#pulling.get(key) ?? 0) + 1);
    const startedAt = clock.wall();
    let bytes = 0;
    const onProgress = (done: number, total: number): void => {
      bytes = total;
      onPull?.({ container, done, total, ms: clock.wall() - startedAt });
    };
    this.#emit('image.pulling', wish, tools, `${reference} is wanted`, {});
    onProgress(0, 0);
    try {
      const image = await engine.ensureImage(reference, {
        // A copy that comes up meanwhile is another's: what the registry says to this tenant counts.
        ...{ pull: 'always', auth, signal },
        onProgress: ({ bytes: sum }) => onProgress(sum.done, sum.total),
      });
      this.#rights.took(wish.set.tenant, reference, image);
      const ms = clock.wall() - startedAt;
      this.#emit('image.pulled', wish, tools, `${reference} is there`, { digest: image.digest, bytes, ms });
      return image;
    } catch (error) {
      const code = isTidegateError(error) ? error.code : 'image.pull_failed';
      if (!signal.aborted) this.#emit('image.failed', wish, tools, messageOf(error), { code });
      throw withLogin(error);
    } finally {
      this.#ended(key);
      onPull?.(null);
    }
  }

  #ended(key: string): void {
    const left = (this.#pulling.get(key) ?? 1) - 1;
    if (left === 0) this.#pulling.delete(key);
    else this.#pulling.set(key, left);
  }

  #emit(
    type: 'image.pulling' | 'image.pulled' | 'image.failed',
    { set, reference, container }: ImageWish,
    { engine, correlationId }: PinTools,
    cause: string,
    data: NonNullable<EventDraft['data']>,
  ): void {
    const { tenant, app, name } = set;
    const told = { image: reference, container, ...data };
    const of = { tenant, app, set: name, host: engine.host, correlationId: correlationId ?? null };
    this.#options.ports.emit({ type, ...of, cause, data: told });
  }
}

function pullOf(tenant: string, reference: string): string {
  return `${tenant} ${reference}`;
}

/** A refusal of a registry, with what gives it what it wants. */
function withLogin(error: unknown): unknown {
  if (!isTidegateError(error, 'image.auth') || error.detail.registry === undefined) return error;
  const fix = `\`tide registries login ${error.detail.registry}\` keeps what it is shown`;
  return new TidegateError(error.code, `${error.message}; ${fix}`, { detail: error.detail, cause: error });
}

/** Why an image is kept, in the letters that a tag may have: for a set, however many of its revisions have it. */
export function keptFor({ tenant, app, name }: SetName, image: string): string {
  return `${tenant}.${app}.${name}.${image.replace('sha256:', '').slice(0, 12)}`;
}
