/** Endpoint of logs: what the containers of an app wrote, as a page or as a stream; also of replicas that are gone. */
import { z } from '@hono/zod-openapi';
import { parseDuration } from '#core/duration';
import type { LogFilter } from '#logs/log-filter';
import { stampOf } from '#logs/log-line';
import { positionText, readPosition } from '#logs/log-position';
import type { AppOfLogs, LogStore } from '#logs/log-store';
import { type Call, type Endpoints, invalid, type NOTHING } from './endpoint.ts';
import type { KnownSets } from './known-sets.ts';
import { LogLineShape, lineJson } from './log-shapes.ts';
import { logStream } from './log-stream.ts';
import { fromCursor, toCursor } from './page.ts';
import type { AdminPorts } from './ports.ts';
import { Problem } from './problem.ts';
import { pageOf } from './shapes.ts';
import { acceptsStream, streamAnswer } from './stream-answer.ts';

const TAIL_DEFAULT = 100;
const TAIL_MAX = 1000;
const GREP_CHARS_MAX = 1024;
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

const AppParams = z.object({ app: z.string() });
const moment = (description: string) => z.string().optional().openapi({ description, example: '1h' });
const LogsQuery = z.object({
  set: z.string().optional(),
  replica: z
    .string()
    .optional()
    .openapi({ description: 'Name or id of a replica, or the beginning of the container id.' }),
  member: z.string().optional().openapi({ description: 'Name of a container within the replicas.' }),
  stream: z.enum(['stdout', 'stderr']).optional(),
  since: moment('Not before: how long ago (`1h`, `30m`), or RFC 3339.'),
  until: moment('Not after, likewise.'),
  grep: z
    .string()
    .max(GREP_CHARS_MAX)
    .optional()
    .openapi({ description: 'Lines in which this stands, as it is: it is no pattern.' }),
  ignore_case: z.enum(['true', 'false']).optional().openapi({ description: 'For `grep`.' }),
  tail: z.coerce
    .number()
    .int()
    .min(0)
    .max(TAIL_MAX)
    .default(TAIL_DEFAULT)
    .openapi({ description: 'The newest so many; of a stream: of what was before it.' }),
  follow: z
    .enum(['true', 'false'])
    .optional()
    .openapi({ description: 'A stream, as with "Accept: text/event-stream".' }),
  cursor: z.string().optional().openapi({ description: '`next_cursor` of the page before: the lines before those.' }),
});

export function addLogs(endpoints: Endpoints, known: KnownSets, ports: AdminPorts, closing: AbortSignal): void {
  endpoints.add(
    {
      method: 'get',
      path: '/v1/apps/{app}/logs',
      id: 'listLogs',
      summary:
        'The newest lines that containers of an app wrote, oldest first; with "Accept: text/event-stream" also those to come',
      needs: 'read',
      params: AppParams,
      query: LogsQuery,
      body: null,
      answer: pageOf(LogLineShape),
      streams: true,
      problems: ['not_found', 'unavailable'],
    },
    (call) => {
      const { logs } = ports;
      if (logs === undefined) return new Problem('unavailable', { detail: 'Nobody keeps logs here.' });
      const { scope, params, query } = call;
      const of = { tenant: scope.tenant, app: params.app, set: query.set ?? null };
      if (!logs.knows(of)) {
        const found = of.set === null ? known.app(of.tenant, of.app) : known.set(of.tenant, of.app, of.set);
        if (found instanceof Problem) return found;
      }
      return answer(call, of, { logs, clock: ports.clock, endings: [closing, scope.principal.ended] });
    },
  );
}

type LogsCall = Call<typeof AppParams, typeof LogsQuery, typeof NOTHING>;
type Tools = Pick<AdminPorts, 'clock'> & { readonly logs: LogStore; readonly endings: readonly AbortSignal[] };

async function answer({ query, headers }: LogsCall, of: AppOfLogs, { logs, clock, endings }: Tools) {
  const now = clock.wall();
  const since = momentOf(query.since, now);
  const until = momentOf(query.until, now);
  if (since === undefined) return badMoment('since');
  if (until === undefined) return badMoment('until');
  const filter: LogFilter = {
    replica: query.replica ?? null,
    member: query.member ?? null,
    stream: query.stream ?? null,
    since,
    until,
    grep: query.grep ?? null,
    ignoreCase: query.ignore_case === 'true',
  };
  const limit = query.tail;
  if (!acceptsStream(headers) && query.follow !== 'true') {
    const before = query.cursor === undefined ? new Map<string, number>() : readPosition(fromCursor(query.cursor));
    if (before === null)
      return invalid([{ pointer: '/cursor', code: 'bad_value', detail: 'This is no cursor of logs.' }]);
    const page = await logs.page(of, filter, { limit, before });
    const next = page.before === null ? null : toCursor(positionText(page.before));
    return { items: page.lines.map(lineJson), next_cursor: next };
  }
  const last = headers.get('last-event-id');
  const resumed = last === null || last === '' ? null : readPosition(last);
  if (resumed !== null) {
    return streamAnswer(logStream({ past: [], tail: logs.tail(of, filter, resumed), clock, endings }));
  }
  // Where the stream begins is settled before the past is read: so nothing falls between the two.
  const end = await logs.end(of);
  const before = new Map(Array.from(end, ([set, id]) => [set, id + 1]));
  const past = limit === 0 ? [] : (await logs.page(of, filter, { limit, before })).lines;
  return streamAnswer(logStream({ past, tail: logs.tail(of, filter, end), clock, endings }));
}

/** As lines have it; null: none is given; undefined: it is none. */
function momentOf(text: string | undefined, now: number): string | null | undefined {
  if (text === undefined) return null;
  const ago = parseDuration(text);
  if (ago !== null) return stampOf(now - ago);
  const at = RFC_3339.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : stampOf(at);
}

function badMoment(name: 'since' | 'until') {
  const detail = `${name} is a duration such as 30m or 1h, which is how long ago, or a time such as 2026-01-01T00:00:00Z.`;
  return invalid([{ pointer: `/${name}`, code: 'bad_value', detail }]);
}
