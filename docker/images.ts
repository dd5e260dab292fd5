/**
 * Images of one Engine. An image is asked for once however many want it at the same time; a pull that nobody waits for
 * any more ends. What a revision needs is kept by a tag of ours.
 */
import { createHash } from 'node:crypto';
import { isTidegateError, TidegateError } from '#core/errors';
import type { EngineClient } from './engine-client.ts';
import { isRefusal } from './engine-error.ts';
import { get } from './get.ts';
import type { EngineImage, EnsureImageOptions, HostEngine, RegistryAuth, Removal } from './host-engine.ts';
import { imageFrom } from './image-answer.ts';
import { type ImageReference, readReference } from './image-reference.ts';
import { pauseImage } from './pause-image.ts';
import { PAUSE_ARCHITECTURES } from './pause-program.ts';
import { Pull } from './pull.ts';
import { registryError } from './registry-error.ts';
import { request } from './request.ts';

const READ_MS = 5000;
const TAG_MS = 10_000;
/** A registry that hangs is no reason to wait on. */
const PROVE_MS = 20_000;
const REMOVE_MS = 60_000;
const LOAD_MS = 30_000;

const KEPT_REPOSITORY = 'tidegate-kept';
/** A tag has 128 characters at most: the end tells reasons apart that are cut alike. */
const READABLE_CHARS = 80;
const DIGEST_CHARS = 16;

export class Images {
  readonly #client: EngineClient;
  /** By reference and credentials, while somebody waits for it: nobody has by another's credentials what his do not give. */
  readonly #pulls = new Map<string, Pull>();
  #pauseImage: Promise<string> | null = null;

  constructor(client: EngineClient) {
    this.#client = client;
  }

  /** As in {@link HostEngine.ensureImage}. */
  async ensure(name: string, { pull, auth = null, onProgress, signal }: EnsureImageOptions): Promise<EngineImage> {
    signal?.throwIfAborted();
    const reference = readReference(name);
    if (reference === null) throw new TidegateError('image.not_found', `"${name}" is no name of an image`);
    // An id is of no registry: there is nothing that could be pulled.
    const mayPull = pull !== 'never' && reference.version !== null;
    const present = pull === 'always' && mayPull ? null : await this.#inspect(reference);
    if (present !== null) return present;
    if (!mayPull) throw notThere(reference, 'is not on the host');
    await this.#pull(reference, auth).wait(onProgress, signal);
    const pulled = await this.#inspect(reference);
    if (pulled === null) throw notThere(reference, 'was pulled and is gone again');
    return pulled;
  }

  /** As in {@link HostEngine.proveAccess}. */
  async prove(name: string, { auth, signal }: Parameters<HostEngine['proveAccess']>[1]): Promise<void> {
    const reference = readReference(name);
    if (reference === null || reference.version === null) {
      throw new TidegateError('image.not_found', `"${name}" is of no registry that could be asked`);
    }
    const { text } = reference;
    const call = {
      name: `prove ${text}`,
      deadlineMs: PROVE_MS,
      slow: true,
      ...(signal === undefined ? {} : { signal }),
    };
    try {
      await this.#client.call(call, (docker, aborted) =>
        request(docker, { method: 'GET', path: `/distribution/${text}/json`, auth }, aborted),
      );
    } catch (error) {
      if (!isTidegateError(error, 'engine.refused')) throw error;
      throw registryError(`ask for ${text}`, { reference, said: String(error.detail.said), auth });
    }
  }

  /** As in {@link HostEngine.tryLogin}. */
  async tryLogin(registry: string, auth: RegistryAuth): Promise<'accepted' | 'refused'> {
    // Docker Hub answers under another name than its images have.
    const serveraddress = registry === 'docker.io' ? 'https://index.docker.io/v1/' : registry;
    const call = { name: `log in at ${registry}`, deadlineMs: PROVE_MS, slow: true };
    try {
      await this.#client.call(call, (docker, signal) =>
        request(docker, { method: 'POST', path: '/auth', body: { ...auth, serveraddress } }, signal),
      );
      return 'accepted';
    } catch (error) {
      // Of a registry's 401 some Engines make a 500, with words alone.
      const isRefused =
        isTidegateError(error, 'engine.refused') && /\b401\b|unauthorized/i.test(String(error.detail.said));
      if (isRefused || isRefusal(error, 401)) return 'refused';
      throw error;
    }
  }

  async keep(imageId: string, reason: string): Promise<void> {
    const query = { repo: KEPT_REPOSITORY, tag: keptTag(reason) };
    const path = `/images/${encodeURIComponent(imageId)}/tag`;
    try {
      await this.#client.call({ name: `keep ${imageId}`, deadlineMs: TAG_MS }, (docker, signal) =>
        request(docker, { method: 'POST', path, query }, signal),
      );
    } catch (error) {
      if (isRefusal(error, 404)) throw new TidegateError('image.not_found', `there is no image ${imageId} to keep`);
      throw error;
    }
  }

  async release(reason: string): Promise<Removal> {
    const name = `${KEPT_REPOSITORY}:${keptTag(reason)}`;
    try {
      const call = { name: `release ${name}`, deadlineMs: REMOVE_MS, slow: true };
      await this.#client.call(call, (docker, signal) =>
        request(docker, { method: 'DELETE', path: `/images/${name}` }, signal),
      );
      return 'removed';
    } catch (error) {
      if (isRefusal(error, 404)) return 'gone';
      if (isRefusal(error, 409)) return 'in-use';
      throw error;
    }
  }

  /** As in {@link HostEngine.ensurePauseImage}. */
  ensurePause(): Promise<string> {
    const made = this.#pauseImage ?? this.#makePauseImage();
    this.#pauseImage = made;
    made.catch(() => {
      if (this.#pauseImage === made) this.#pauseImage = null;
    });
    return made;
  }

  /** It may have been pruned meanwhile. */
  forgetPause(): void {
    this.#pauseImage = null;
  }

  async #makePauseImage(): Promise<string> {
    const call = { name: 'version', deadlineMs: READ_MS };
    const answer: unknown = await this.#client.call(call, (docker, signal) => get(docker, '/version', signal));
    const said = (answer as { Arch?: unknown } | null)?.Arch;
    const architecture = PAUSE_ARCHITECTURES.find((one) => one === said);
    if (architecture === undefined) {
      throw new TidegateError('image.not_found', `there is no pause image for the processor of the host: ${said}`);
    }
    const { name, archive } = pauseImage(architecture);
    const reference = readReference(name) as ImageReference;
    const present = await this.#inspect(reference);
    if (present !== null) return present.id;
    await this.#client.call({ name: `load ${name}`, deadlineMs: LOAD_MS, slow: true }, (docker, signal) =>
      request(docker, { method: 'POST', path: '/images/load', query: { quiet: '1' }, file: archive }, signal),
    );
    const loaded = await this.#inspect(reference);
    if (loaded === null) throw notThere(reference, 'could not be loaded');
    return loaded.id;
  }

  #pull(reference: ImageReference, auth: RegistryAuth | null): Pull {
    const key = `${reference.text} ${auth === null ? '' : fingerprintOf(auth)}`;
    const known = this.#pulls.get(key);
    if (known !== undefined) return known;
    const onEnd = (): void => {
      if (this.#pulls.get(key) === pull) this.#pulls.delete(key);
    };
    const pull: Pull = new Pull(this.#client, { reference, auth, onEnd });
    this.#pulls.set(key, pull);
    return pull;
  }

  async #inspect(reference: ImageReference): Promise<EngineImage | null> {
    const call = { name: `image ${reference.text}`, deadlineMs: READ_MS };
    try {
      const answer = await this.#client.call(call, (docker, signal) =>
        get(docker, `/images/${reference.text}/json`, signal),
      );
      return imageFrom(answer, reference);
    } catch (error) {
      if (isTidegateError(error) && isRefusal(error, 404)) return null;
      throw error;
    }
  }
}

/** The tag that keeps an image for a reason: readable, and another for every other reason. */
export function keptTag(reason: string): string {
  const readable = reason.replace(/[^\w.-]+/g, '-').replace(/^[.-]+/, '');
  const digest = createHash('sha256').update(reason).digest('hex');
  return `${readable.slice(0, READABLE_CHARS)}_${digest.slice(0, DIGEST_CHARS)}`;
}

function fingerprintOf({ username, password }: RegistryAuth): string {
  return createHash('sha256')
    .update(JSON.stringify([username, password]))
    .digest('hex');
}

function notThere({ text }: ImageReference, why: string): TidegateError {
  return new TidegateError('image.not_found', `the image ${text} ${why}`);
}
