/** What is kept of a list that grows, the newest last, and on demand what comes to it from now on. */
import type { Items } from './api.ts';
import type { Call } from './call.ts';
import type { CommandOption } from './command.ts';
import { usageFailure } from './command-failure.ts';
import { followEvents } from './event-tail.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

const LIMIT = 100;
const LIMIT_MAX = 1000;

/** Options that all such commands have. */
export const GROWING_OPTIONS = {
  follow: { type: 'boolean', short: 'f', summary: 'Go on with what happens.' },
  limit: { type: 'string', value: 'COUNT', summary: `How many of the past ones; ${LIMIT}, and with --follow none.` },
} as const satisfies Readonly<Record<string, CommandOption>>;

interface GrowingItem {
  readonly id: string;
  /** The stream tells it when it is over. */
  readonly pending?: boolean;
}

/** A page, the newest first. */
interface Page<T> extends Items<T> {
  /** Where a stream begins that has what the page has not; left out: after its newest item. */
  readonly stream_from?: string;
}

export interface GrowingList<T extends GrowingItem> {
  readonly path: string;
  /** Its name in messages. */
  readonly what: string;
  readonly query: Readonly<Record<string, string | null>>;
  readonly text: (item: T) => string;
  /** Said when there is nothing. */
  readonly none: string;
  /** Said when some were missed. */
  readonly missed: string;
}

export async function showGrowing<T extends GrowingItem>(
  call: Call,
  { path, what, query, text, none, missed }: GrowingList<T>,
): Promise<ExitCode> {
  const { api, output, world, json } = call;
  const follows = call.flag('follow');
  const limit = call.count('limit') ?? (follows ? 0 : LIMIT);
  if (limit > LIMIT_MAX || (limit === 0 && !follows)) throw usageFailure(`--limit is 1 to ${LIMIT_MAX}.`);
  // Where the stream begins is settled before the past is read: so nothing falls between the two.
  const newest: Page<T> = follows ? await api.get(path, { limit: '1' }) : { items: [] };
  const past: Page<T> =
    limit === 0 ? { ...newest, items: [] } : await api.get(path, { ...query, limit: String(limit) });
  if (json && !follows) {
    output.json({ items: past.items });
    return EXIT.ok;
  }
  const show = (item: T): void => (json ? output.jsonLine(item) : output.line(text(item)));
  const begin = newest.items[0]?.id ?? null;
  const isPast = ({ id, pending }: T): boolean =>
    past.stream_from === undefined ? begin === null || id <= begin : !(follows && pending === true);
  for (const item of past.items.toReversed()) if (isPast(item)) show(item);
  if (!follows) {
    if (past.items.length === 0) output.note(none);
    return EXIT.ok;
  }
  const lost = (): void => output.note(missed);
  await followEvents({
    ...{ api, path, what, query, after: past.stream_from ?? begin },
    ...{ output, world, show, lost },
  });
  return EXIT.interrupted;
}
