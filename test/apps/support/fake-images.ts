/** The images of a host of nothing, and their registry: who may have which, and what was asked of it. */
import { TidegateError } from '#core/errors';
import type { HostEngine } from '#docker/host-engine';

export class FakeImages {
  /** References that cannot be had. */
  readonly missing = new Set<string>();
  /** References that a registry has, for members; on the host once one was pulled. */
  readonly remote = new Set<string>();
  /** Usernames that the registry lets have what is private. */
  readonly members = new Set<string>();
  /** Questions to the registry: `<username> <reference>`. */
  readonly proofs: string[] = [];
  /** `<username> <reference>` of every pull. */
  readonly fetched: string[] = [];
  readonly pulled: string[] = [];
  /** From the moment an image that is pulled is on the host until whoever pulled it hears so. */
  told: Promise<void> = Promise.resolve();
  /** Until a registry says what it makes of credentials. */
  asked: () => Promise<void> = async () => {};
  readonly #present = new Set<string>();

  get engine(): Pick<HostEngine, 'ensureImage' | 'proveAccess' | 'tryLogin'> {
    return {
      ensureImage: async (reference, { pull, auth }) => {
        if (this.missing.has(reference)) throw new TidegateError('image.not_found', `${reference}: no such image`);
        const isRemote = this.remote.has(reference);
        if (pull === 'never' && isRemote && !this.#present.has(reference))
          throw new TidegateError('image.not_found', `${reference} is not there`);
        if (pull === 'always') {
          this.fetched.push(`${auth?.username ?? 'nobody'} ${reference}`);
          if (isRemote) this.#admit(reference, auth?.username ?? 'nobody');
          this.#present.add(reference);
          await this.told;
        }
        this.pulled.push(reference);
        const id = reference.startsWith('sha256:') ? reference : `sha256:${reference}`;
        const nothing = { exposedPorts: [], entrypoint: [], cmd: [], volumes: [] };
        return { id, digest: null, user: '', healthcheck: null, ...nothing };
      },
      proveAccess: async (reference, { auth }) => {
        this.proofs.push(`${auth?.username ?? 'nobody'} ${reference}`);
        this.#admit(reference, auth?.username ?? 'nobody');
      },
      tryLogin: async (_, { password }) => {
        await this.asked();
        return password === 'wrong' ? 'refused' : 'accepted';
      },
    };
  }

  #admit(reference: string, who: string): void {
    if (!this.members.has(who)) throw new TidegateError('image.auth', `${reference} is not for ${who}`);
  }
}
