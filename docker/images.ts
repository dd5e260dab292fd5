/**
 * Images of one Engine. An image is asked for once however many want it at the same time; a pull that nobody waits for
 * any more ends. What a revision needs is kept by a tag of ours.
 */
import { createHash } from 'node:crypto';
import { isTidegateError, TidegateError } from '#core/errors';
import type { EngineClient } from './engine-client.ts';
import { isRefusal } from './engine-error.ts';
import { get } from './get.ts';
import type { EngineImage, EnsureImageOptions, Removal } from './host-engine.ts';
import { imageFrom } from './image-answer.ts';
import { type ImageReference, readReference } from './image-reference.ts';
import { pauseImage } from './pause-image.ts';
import { PAUSE_ARCHITECTURES } from './pause-program.ts';
import { Pull } from './pull.ts';
import { request } from './request.ts';

const READ_MS = 5000;
const TAG_MS = 10_000;
const REMOVE_MS = 60_000;
const LOAD_MS = 30_000;

const KEPT_REPOSITORY = 'tidegate-kept';
/** A tag has 128 characters at most: the end tells reasons apart that are cut alike. */
const READABLE_CHARS = 80;
const DIGEST_CHARS = 16;

export class Images {
  readonly #client: EngineClient;
  /** By reference, while somebody waits for it. */
  readonly #pulls = new Map<string, Pull>();
  #pauseImage: Promise<string> | null = null;

  constructor(client: EngineClient) {
    this.#client = client;
  }

  /** As in {@link HostEngine.ensureImage}. */
  async ensure(name: string, { pull, onProgress, signal }: EnsureImageOptions): Promise<EngineImage> {
    signal?.throwIfAborted();
    const reference = readReference(name);
    if (reference === null) throw new TidegateError('image.not_found', `"${name}" is no name of an image`);
    // An id is of no registry: there is nothing that could be pulled.
    const mayPull = pull !== 'never' && reference.version !== null;
    const present = pull === 'always' && mayPull ? null : await this.#inspect(reference);
    if (present !== null) return present;
    if (!mayPull) throw notThere(reference, 'is not on the host');
    await this.#pull(reference).wait(onProgress, signal);
    const pulled = await this.#inspect(reference);
    if (pulled === null) throw notThere(reference, 'was pulled and is gone again');
    return pulled;
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

  #pull(reference: ImageReference): Pull {
    const known = this.#pulls.get(reference.text);
    if (known !== undefined) return known;
    const pull = new Pull(this.#client, reference, () => {
      if (this.#pulls.get(reference.text) === pull) this.#pulls.delete(reference.text);
    });
    this.#pulls.set(reference.text, pull);
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

function notThere({ text }: ImageReference, why: string): TidegateError {
  return new TidegateError('image.not_found', `the image ${text} ${why}`);
}
