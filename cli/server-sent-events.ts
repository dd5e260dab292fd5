/** Server-Sent Events out of the text of a stream (WHATWG HTML, 9.2.6), whatever pieces it comes in. */

export interface SentEvent {
  /** `message` when it has no name of its own. */
  readonly type: string;
  readonly data: string;
}

export class ServerSentEvents {
  #rest = '';
  #data: string[] = [];
  #type = '';
  #id: string | null;
  #lastId: string | null;
  #retryMs: number | null = null;

  constructor(lastId: string | null) {
    this.#id = lastId;
    this.#lastId = lastId;
  }

  /** Where to go on after a break: of the last block that came whole, also of one without data. */
  get lastId(): string | null {
    return this.#lastId;
  }

  /** How long to wait before a new try, as the server wants it; null: it has not said. */
  get retryMs(): number | null {
    return this.#retryMs;
  }

  /** What was not whole when the stream broke is not taken into the next one. */
  break(): void {
    this.#rest = '';
    this.#id = this.#lastId;
    this.#data = [];
    this.#type = '';
  }

  /** The events that the text completes. */
  push(text: string): SentEvent[] {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    return lines.flatMap((line) => this.#line(line) ?? []);
  }

  #line(line: string): SentEvent | null {
    if (line === '') return this.#end();
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') this.#data.push(value);
    else if (name === 'event') this.#type = value;
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    else if (name === 'retry' && /^\d+$/.test(value)) this.#retryMs = Number(value);
    return null;
  }

  #end(): SentEvent | null {
    this.#lastId = this.#id;
    const event = this.#data.length === 0 ? null : { type: this.#type || 'message', data: this.#data.join('\n') };
    this.#data = [];
    this.#type = '';
    return event;
  }
}
