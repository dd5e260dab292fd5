/** `events`: what happened, and with `-f` what happens. */
import type { EventItem } from '../answers.ts';
import type { Items } from '../api.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { usageFailure } from '../command-failure.ts';
import { followEvents } from '../event-tail.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

const PATH = '/v1/events';
const LIMIT = 100;
const LIMIT_MAX = 1000;
/** Longest of the usual types, so that lines stand below each other also while they come one by one. */
const TYPE_WIDTH = 19;

export const EVENT_COMMANDS: readonly Command[] = [
  {
    name: 'events',
    summary: 'What happened, the newest last; with --follow also what happens.',
    notes:
      'With --follow it shows what happens from now on, over breaks of the connection, until Ctrl-C; --json then writes one event a line.',
    options: {
      follow: { type: 'boolean', short: 'f', summary: 'Go on with what happens.' },
      limit: {
        type: 'string',
        value: 'COUNT',
        summary: `How many of the past ones; ${LIMIT}, and with --follow none.`,
      },
      type: {
        type: 'string',
        value: 'TYPES',
        summary: 'Only of these types, comma-separated; docs/events.md has them.',
      },
      set: { type: 'string', value: 'SET', summary: 'Only of this set.' },
    },
    example: 'tide events -f --app shop --type set.waking,set.awake',
    run: events,
  },
];

async function events(call: Call): Promise<ExitCode> {
  const { api, output, world, json } = call;
  const follows = call.flag('follow');
  const limit = call.count('limit') ?? (follows ? 0 : LIMIT);
  if (limit > LIMIT_MAX || (limit === 0 && !follows)) throw usageFailure(`--limit is 1 to ${LIMIT_MAX}.`);
  const query = { app: call.option('app'), set: call.option('set'), type: call.option('type') };
  // Where the stream begins is settled before the past is read: so nothing falls between the two.
  const begin = follows ? await newest(call) : null;
  const past = limit === 0 ? { items: [] } : await api.get<Items<EventItem>>(PATH, { ...query, limit: String(limit) });
  if (json && !follows) {
    output.json({ items: past.items });
    return EXIT.ok;
  }
  const show = (event: EventItem): void => (json ? output.jsonLine(event) : output.line(eventText(event)));
  for (const event of past.items.toReversed()) if (begin === null || event.id <= begin) show(event);
  if (!follows) {
    if (past.items.length === 0) output.note('There is no such event.');
    return EXIT.ok;
  }
  const lost = (): void => output.note('Some events are lost: more happened than the gateway keeps.');
  await followEvents({ ...{ api, path: PATH, what: 'events', query, after: begin }, ...{ output, world, show, lost } });
  return EXIT.interrupted;
}

async function newest({ api }: Call): Promise<string | null> {
  const { items } = await api.get<Items<EventItem>>(PATH, { limit: '1' });
  return items[0]?.id ?? null;
}

function eventText({ at, type, app, set, host, cause }: EventItem): string {
  const about = app === null ? (host ?? '') : set === null ? app : `${app}/${set}`;
  return `${at}  ${type.padEnd(TYPE_WIDTH)}  ${about === '' ? '' : `${about}  `}${cause}`;
}
