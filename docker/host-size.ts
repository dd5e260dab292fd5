/** How large the host of an Engine is. Asked for once: it does not grow while Tidegate runs. */
import type { EngineClient } from './engine-client.ts';
import { get } from './get.ts';

const READ_MS = 5000;

export interface Size {
  readonly cores: number;
  readonly memoryBytes: number;
}

export class HostSize {
  readonly #client: EngineClient;
  #size: Promise<Size> | null = null;

  constructor(client: EngineClient) {
    this.#client = client;
  }

  get(): Promise<Size> {
    if (this.#size !== null) return this.#size;
    const size = this.#ask();
    this.#size = size;
    size.catch(() => {
      this.#size = null;
    });
    return size;
  }

  async #ask(): Promise<Size> {
    const answer: unknown = await this.#client.call({ name: 'info', deadlineMs: READ_MS }, (docker, signal) =>
      get(docker, '/info', signal),
    );
    const { NCPU: cores, MemTotal: memoryBytes } = (answer ?? {}) as { NCPU?: unknown; MemTotal?: unknown };
    return {
      cores: typeof cores === 'number' && cores > 0 ? cores : 1,
      memoryBytes: typeof memoryBytes === 'number' && memoryBytes > 0 ? memoryBytes : Number.MAX_SAFE_INTEGER,
    };
  }
}
