/** Endpoint of events: a page of them, or a stream for who accepts one. */
import { z } from '@hono/zod-openapi';
import { EVENT_TYPES, type Event } from '#core/event';
import { nearest } from '#core/nearest';
import { type Scope, seesApp } from './access.ts';
import { type Call, type Endpoints, invalid, NOTHING } from './endpoint.ts';
import { eventJson } from './event-json.ts';
import { eventStream } from './event-stream.ts';
import type { KnownSets } from './known-sets.ts';
import { fromCursor, PageQuery, toCursor } from './page.ts';
import type { AdminPorts } from './ports.ts';
import { Problem } from './problem.ts';
import { EventShape, pageOf } from './shapes.ts';
import { acceptsStream, streamAnswer } from './stream-answer.ts';

const EventsQuery = PageQuery.extend({
  type: z.string().optional().openapi({ description: 'Types, comma-separated.', example: 'set.waking,set.awake' }),
  app: z.string().optional(),
  set: z.string().optional(),
});

/** Of one app, which the path names. */
const AppEventsQuery = EventsQuery.omit({ app: true });

type Filter = Pick<z.output<typeof EventsQuery>, 'app' | 'set'> & { readonly types: readonly string[] | null };

interface Tools extends Pick<AdminPorts, 'events' | 'clock'> {
  readonly closing: AbortSignal;
}

export function addEvents(endpoints: Endpoints, known: KnownSets, ports: AdminPorts, closing: AbortSignal): void {
  const { events, clock } = ports;
  const tools = { events, clock, closing };
  const method = 'get' as const;
  const shared = { method, needs: 'read' as const, body: null, answer: pageOf(EventShape), streams: true };
  endpoints.add(
    {
      ...shared,
      path: '/v1/events',
      id: 'listEvents',
      summary: 'Events, newest first; with "Accept: text/event-stream" a stream of them, oldest first',
      filtered: true,
      params: NOTHING,
      query: EventsQuery,
    },
    (call) => answer(call, call.query, tools),
  );
  endpoints.add(
    {
      ...shared,
      path: '/v1/apps/{app}/events',
      id: 'listAppEvents',
      summary: 'Events of an app, newest first; with "Accept: text/event-stream" a stream of them, oldest first',
      params: z.object({ app: z.string() }),
      query: AppEventsQuery,
      problems: ['not_found'],
    },
    (call) => {
      const { app } = call.params;
      const isOfApp = filter(visibility(call.scope), { app, set: undefined, types: null });
      // What happened to one that is gone is still told.
      const missing = events.older(null, 1, isOfApp).length > 0 ? null : known.app(call.scope.tenant, app);
      return missing instanceof Problem ? missing : answer(call, { ...call.query, app }, tools);
    },
  );
}

type EventsCall = Pick<Call<typeof NOTHING, typeof NOTHING, typeof NOTHING>, 'scope' | 'headers'>;

function answer(
  { scope, headers }: EventsCall,
  query: z.output<typeof EventsQuery>,
  { events, clock, closing }: Tools,
) {
  const types = query.type === undefined ? null : query.type.split(',').map((one) => one.trim());
  const wrong = types?.find((one) => !Object.hasOwn(EVENT_TYPES, one));
  if (wrong !== undefined) return unknownType(wrong);
  const isSeen = visibility(scope);
  const passes = filter(isSeen, { app: query.app, set: query.set, types });
  if (acceptsStream(headers)) {
    const lastEventId = headers.get('last-event-id');
    const endings = [closing, scope.principal.ended];
    return streamAnswer(eventStream({ events, clock, lastEventId, passes, isSeen, json: eventJson, endings }));
  }
  const before = query.cursor === undefined ? null : fromCursor(query.cursor);
  const found = events.older(before, query.limit + 1, passes);
  const items = found.slice(0, query.limit).map(eventJson);
  const last = items.at(-1);
  return { items, next_cursor: found.length > items.length && last !== undefined ? toCursor(last.id) : null };
}

/** A tenant's own events; those of no tenant (of hosts) for operators. */
function visibility(scope: Scope): (event: Event) => boolean {
  return ({ tenant, app }) => {
    const isOwn = tenant === null ? scope.principal.operator : tenant === scope.tenant;
    // What is about no app is about more than a token sees that is limited to some.
    return isOwn && (app === null ? scope.principal.resources.length === 0 : seesApp(scope, app));
  };
}

function filter(isSeen: (event: Event) => boolean, { app, set, types }: Filter): (event: Event) => boolean {
  return (event) => {
    if (!isSeen(event)) return false;
    if (app !== undefined && event.app !== app) return false;
    if (set !== undefined && event.set !== set) return false;
    return types === null || types.includes(event.type);
  };
}

function unknownType(type: string): ReturnType<typeof invalid> {
  const meant = nearest(type, Object.keys(EVENT_TYPES));
  const hint = meant === null ? 'docs/events.md lists them all.' : `Did you mean "${meant}"?`;
  return invalid([{ pointer: '/type', code: 'unknown', detail: `There are no events of type "${type}". ${hint}` }]);
}
