/** Gives replicas the limits of a revision while they run on. */
import { setKey } from '#core/set';
import type { Revision } from '#core/set-spec';
import type { AppLibrary } from './app-library.ts';
import type { AppsPorts } from './ports.ts';
import type { ReplicaFactory } from './replica-factory.ts';

export interface ResizingOptions {
  readonly ports: Pick<AppsPorts, 'sight' | 'log'>;
  readonly library: AppLibrary;
  readonly factory: Pick<ReplicaFactory, 'resize'>;
}

export class Resizing {
  readonly #options: ResizingOptions;

  constructor(options: ResizingOptions) {
    this.#options = options;
  }

  async resize(tenant: string, app: string, set: string, revision: Revision): Promise<void> {
    const { ports, factory } = this.#options;
    for (const replica of ports.sight(setKey(tenant, app, set))?.replicas ?? []) {
      if (replica.revision === revision.share) await factory.resize(revision, replica.id);
    }
  }

  /** Limits that were changed while everything ran, and perhaps not everywhere when the last process ended. */
  async resizeAll(): Promise<void> {
    const { library, ports } = this.#options;
    for (const { tenant, app, name, current } of library.allSets()) {
      const revision = current === null ? null : library.revision(tenant, app, name, current);
      if (revision === null || revision.share === revision.name) continue;
      try {
        await this.resize(tenant, app, name, revision);
      } catch (error) {
        ports.log.warn('limits could not be set again', { app, set: name, error });
      }
    }
  }
}
