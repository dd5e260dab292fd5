/** The Engine's own start events, with the moment each reached us: some 0.2 ms after it was sent. */
import type { TestEngine } from '../test/support/engine.ts';

const WAIT_MS = 30_000;

export class EngineStarts implements Disposable {
  readonly #stream: NodeJS.ReadableStream & { destroy?(): void };
  readonly #waiting = new Map<string, (at: number) => void>();
  #rest = '';

  private constructor(stream: NodeJS.ReadableStream) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => this.#read(String(chunk)));
    stream.on('error', () => {}); // the Engine ends before us; who waits for an event hears that it did not come
  }

  static async follow(engine: TestEngine): Promise<EngineStarts> {
    const filters = { type: ['container'], event: ['start'] };
    return new EngineStarts(await engine.docker.getEvents({ filters: JSON.stringify(filters) }));
  }

  /** The next start of this container: monotonic time of its event. Ask before it is started. */
  of(containerId: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no start event within ${WAIT_MS} ms`)), WAIT_MS);
      this.#waiting.set(containerId, (at) => {
        clearTimeout(timer);
        resolve(at);
      });
    });
  }

  [Symbol.dispose](): void {
    this.#stream.destroy?.();
  }

  #read(text: string): void {
    const at = performance.now();
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines.filter(Boolean)) {
      const { id = '' } = JSON.parse(line) as { id?: string };
      this.#waiting.get(id)?.(at);
      this.#waiting.delete(id);
    }
  }
}
