/** Reads Server-Sent Events block by block, as a client does. */
import assert from 'node:assert/strict';

/** The fields of one block; `comment` is what a line that begins with a colon says. */
export interface Block {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
  readonly retry?: string;
  readonly comment?: string;
}

export class StreamReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = '';

  constructor(response: Response) {
    assert.ok(response.body !== null, 'the answer has a body');
    this.#reader = response.body.getReader();
  }

  async next(): Promise<Block> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return Object.fromEntries(block.split('\n').map(fieldOf));
      }
      const { done, value } = await this.#reader.read();
      assert.ok(!done, 'the stream goes on');
      this.#text += this.#decoder.decode(value, { stream: true });
    }
  }

  /** The causes of the next `count` events. */
  async causes(count: number): Promise<unknown[]> {
    const causes: unknown[] = [];
    while (causes.length < count) {
      const { data } = await this.next();
      if (data !== undefined) causes.push(JSON.parse(data).cause);
    }
    return causes;
  }

  /** Reads on until the stream ends. */
  async ended(): Promise<boolean> {
    while (!(await this.#reader.read()).done);
    return true;
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }
}

function fieldOf(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  const name = colon === 0 ? 'comment' : line.slice(0, colon);
  return [name, line.slice(colon + 1).trimStart()];
}
