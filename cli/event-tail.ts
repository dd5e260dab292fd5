/**
 * Events, or lines of log, as they come, over breaks of the connection: each is given once, and where some may be lost it says so. Only Ctrl-C
 * and an answer that no new try would change end it.
 */
import { pause } from '#core/clock';
import type { Api } from './api.ts';
import { CommandFailure } from './command-failure.ts';
import type { Output } from './output.ts';
import { ServerSentEvents } from './server-sent-events.ts';
import { unreachable } from './unreachable.ts';
import type { World } from './world.ts';

const RETRY_MS = 2000;
const RETRY_MAX_MS = 30_000;
/** The gateway says something every 15 s at the least. */
const SILENCE_MS = 45_000;
const TOO_MANY_REQUESTS = 429;

export interface EventTailOptions<T> {
  readonly api: Api;
  readonly path: string;
  /** What it is called: `events`. */
  readonly what: string;
  /** Of a retry after a break: `null` leaves a parameter out. */
  readonly again?: Readonly<Record<string, string | null>>;
  readonly query: Readonly<Record<string, string | null>>;
  /** The event that was seen last; null: what happens from now on. */
  readonly after: string | null;
  readonly output: Output;
  readonly world: Pick<World, 'clock' | 'interrupted'>;
  readonly show: (item: T) => void;
  /** Some are lost here. @param item what the gateway says of it */
  readonly lost: (item: unknown) => void;
}

/** @throws CommandFailure when the first try fails, or the gateway refuses a later one */
export async function followEvents<T>(options: EventTailOptions<T>): Promise<void> {
  const { api, world, output, what } = options;
  const { clock, interrupted } = world;
  const parser = new ServerSentEvents(options.after);
  let failures = 0;
  for (let isFirst = true; !interrupted.aborted; isFirst = false) {
    const broken = await readOnce(options, parser, isFirst, () => {
      output.note(isFirst ? `The ${what} of ${api.url} as they happen; Ctrl-C ends it.` : 'The stream goes on.');
      failures = 0;
    });
    if (interrupted.aborted) return;
    parser.break();
    const waitMs = Math.min(RETRY_MAX_MS, (parser.retryMs ?? RETRY_MS) * 2 ** failures++);
    output.note(`The stream of ${what} broke (${broken}); trying again in ${Math.ceil(waitMs / 1000)} s.`);
    await pause(clock, waitMs, interrupted);
  }
}

/** Reads until the connection ends. @returns why it did */
async function readOnce<T>(
  { api, path, query, again, world, show, lost }: EventTailOptions<T>,
  parser: ServerSentEvents,
  isFirst: boolean,
  opened: () => void,
): Promise<string> {
  const ended = new AbortController();
  let isOpen = false;
  let timer = world.clock.after(SILENCE_MS, () => ended.abort());
  try {
    const { lastId } = parser;
    const headers = { accept: 'text/event-stream', ...(lastId === null ? {} : { 'last-event-id': lastId }) };
    const response = await api.stream(path, { query: isFirst ? query : { ...query, ...again }, headers }, ended.signal);
    if (!response.ok || response.body === null) {
      const text = await response.text();
      if (isFirst || isFinal(response.status)) throw api.failure(response.status, text);
      return `status ${response.status}`;
    }
    isOpen = true;
    opened();
    const decoder = new TextDecoder();
    for await (const chunk of response.body) {
      timer.cancel();
      timer = world.clock.after(SILENCE_MS, () => ended.abort());
      for (const { type, data } of parser.push(decoder.decode(chunk, { stream: true }))) {
        if (type === 'message') show(JSON.parse(data) as T);
        else if (type === 'gap') lost(JSON.parse(data));
      }
    }
    return 'it ended';
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    if (world.interrupted.aborted) return 'interrupted';
    if (isFirst && !isOpen) throw unreachable(api.url, error);
    return ended.signal.aborted ? 'nothing came for a long time' : 'the connection was lost';
  } finally {
    timer.cancel();
  }
}

/** Whether another try would end in the same way. */
function isFinal(status: number): boolean {
  return status < 500 && status !== TOO_MANY_REQUESTS;
}
