/**
 * Lines of an app as Server-Sent Events. The reader pulls from the files at its own pace, so a slow one costs no memory;
 * one that retention overtook gets `event: gap`, as does one that comes to a place where lines are lost.
 */
import type { Clock } from '#core/clock';
import type { SetLine } from '#logs/log-page';
import { type LogPosition, positionText } from '#logs/log-position';
import type { LogTail } from '#logs/log-tail';
import { lineJson } from './log-shapes.ts';
import { KEEP_ALIVE_MS, type PieceReader, sentEvents } from './stream-answer.ts';

export interface LogStreamOptions {
  /** What was there before, oldest first. */
  readonly past: readonly SetLine[];
  /** Goes on behind it. */
  readonly tail: LogTail;
  readonly clock: Clock;
  /** One aborts when the listener closes, another when who listens may do so no more. */
  readonly endings: readonly AbortSignal[];
}

export function logStream(options: LogStreamOptions): ReadableStream<Uint8Array> {
  return sentEvents(new TailReader(options));
}

class TailReader implements PieceReader {
  readonly #options: LogStreamOptions;
  readonly #ended = new AbortController();
  #past: readonly SetLine[];

  constructor(options: LogStreamOptions) {
    this.#options = options;
    this.#past = options.past;
    for (const ending of options.endings) ending.addEventListener('abort', this.close, { once: true });
    if (options.endings.some(({ aborted }) => aborted)) this.close();
  }

  readonly close = (): void => {
    for (const ending of this.#options.endings) ending.removeEventListener('abort', this.close);
    this.#ended.abort();
  };

  async next(): Promise<string | null> {
    const { tail, clock } = this.#options;
    if (this.#past.length > 0) return this.#pastText();
    const startedAt = clock.now();
    while (!this.#ended.signal.aborted) {
      const { lines, gap, moved } = await tail.read();
      let text = gap ? `event: gap\ndata: ${JSON.stringify({ reason: 'retention' })}\n\n` : '';
      for (const line of lines) text += lineText(line, line.position);
      if (text !== '') return text;
      // Moves the client's place past what it filters out.
      if (clock.now() - startedAt >= KEEP_ALIVE_MS) return `: quiet\n${idText(tail.position)}\n`;
      if (!moved) await this.#arrival(KEEP_ALIVE_MS - (clock.now() - startedAt));
    }
    return null;
  }

  /** A client that leaves within the past begins anew: its lines have no place that all sets have in common. */
  #pastText(): string {
    const { position } = this.#options.tail;
    const last = this.#past.at(-1);
    const text = this.#past.map((line) => lineText(line, line === last ? position : null)).join('');
    this.#past = [];
    return text;
  }

  async #arrival(withinMs: number): Promise<void> {
    const wait = new AbortController();
    const timer = this.#options.clock.after(withinMs, () => wait.abort());
    await this.#options.tail.arrived(AbortSignal.any([wait.signal, this.#ended.signal]));
    timer.cancel();
    wait.abort();
  }
}

function lineText(line: SetLine, position: LogPosition | null): string {
  const name = line.stream === 'gap' ? 'event: gap\n' : '';
  return `${position === null ? '' : idText(position)}${name}data: ${JSON.stringify(lineJson(line))}\n\n`;
}

function idText(position: LogPosition): string {
  return `id: ${positionText(position)}\n`;
}
