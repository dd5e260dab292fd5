/**
 * Whether a tenant may use the copy of an image that a host has already. Tenants share the images of an Engine, so a copy
 * that came with somebody's credentials is for those who can have it from the registry themselves: who runs it by a
 * revision of his own had it from there, and whoever else asks the registry with his own credentials first.
 */
import { TidegateError } from '#core/errors';
import { registryHostOf, repositoryOf } from '#core/registry-host';
import type { EngineImage, HostEngine, RegistryAuth } from '#docker/host-engine';
import type { AppLibrary } from './app-library.ts';
import type { RegistryBook } from './registry-book.ts';

/** Where Tidegate keeps what revisions need (`docker/images.ts`), and its pause images. */
const OWN = /^docker\.io\/(?:library\/tidegate-kept|tidegate\/pause)$/;

export interface ImageRightsOptions {
  readonly library: Pick<AppLibrary, 'allSets' | 'revisions'>;
  readonly registries: Pick<RegistryBook, 'isGuarded' | 'gave' | 'hasGiven'>;
}

export interface ImageClaim {
  readonly tenant: string;
  /** As the tenant wrote it. */
  readonly reference: string;
  readonly auth: RegistryAuth | null;
}

export class ImageRights {
  readonly #options: ImageRightsOptions;

  constructor(options: ImageRightsOptions) {
    this.#options = options;
  }

  /** @throws TidegateError `image.auth` for names that are nobody's to use */
  checkName(reference: string): void {
    const repository = repositoryOf(reference);
    if (repository === null || !OWN.test(repository)) return;
    throw new TidegateError('image.auth', `${reference} is a name that Tidegate keeps for itself; use the image's own`);
  }

  /** A registry gave a tenant an image. */
  took(tenant: string, reference: string, { id }: Pick<EngineImage, 'id'>): void {
    const repository = repositoryOf(reference);
    if (repository !== null) this.#options.registries.gave(tenant, repository, id);
  }

  /** Whether it is known already that a tenant may use a copy, by its name. */
  has({ tenant, reference }: Omit<ImageClaim, 'auth'>, { id }: Pick<EngineImage, 'id'>): boolean {
    const repository = repositoryOf(reference);
    if (repository === null) return false;
    const { registries } = this.#options;
    if (!registries.isGuarded(repository) || registries.hasGiven(tenant, repository, id)) return true;
    for (const one of this.#pins(id, tenant)) if (one === repository) return true;
    return false;
  }

  /**
   * Resolves when the tenant may use the copy.
   * @throws TidegateError of the `image.` family when it may not, or when its registry cannot be asked
   */
  async prove({ tenant, reference, auth }: ImageClaim, copy: EngineImage, to: ProofTools): Promise<void> {
    if (repositoryOf(reference) === null) return this.#checkId(tenant, reference, copy);
    if (this.has({ tenant, reference }, copy)) return;
    await to.engine.proveAccess(copy.digest ?? reference, { auth, signal: to.signal });
  }

  /** An id says nothing of a registry that could be asked. */
  #checkId(tenant: string, reference: string, { id, digest }: EngineImage): void {
    if (this.#pins(id, tenant).next().done === false) return;
    const known = [...this.#pins(id), digest === null ? null : repositoryOf(digest)];
    const guarded = known.find((one) => one !== null && this.#options.registries.isGuarded(one)) ?? null;
    if (guarded === null) return;
    const detail = `${reference} came from a private repository of ${registryHostOf(guarded)}: name it as it is called there`;
    throw new TidegateError('image.auth', detail);
  }

  /**
   * Repositories that an image is of to those who run it, or can go back to it; null: it is named by its id.
   * @param tenant left out: all of them
   */
  *#pins(id: string, tenant: string | null = null): Generator<string | null, void> {
    const { library } = this.#options;
    for (const set of library.allSets()) {
      if (tenant !== null && set.tenant !== tenant) continue;
      for (const { images } of library.revisions(set.tenant, set.app, set.name)) {
        for (const one of Object.values(images)) if (one.id === id) yield repositoryOf(one.reference);
      }
    }
  }
}

export interface ProofTools {
  readonly engine: Pick<HostEngine, 'proveAccess'>;
  readonly signal: AbortSignal;
}
