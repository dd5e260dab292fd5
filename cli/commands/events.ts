/** `events`: what happened, and with `-f` what happens. */
import type { EventItem } from '../answers.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import type { ExitCode } from '../exit-codes.ts';
import { GROWING_OPTIONS, showGrowing } from '../past-and-present.ts';

/** Longest of the usual types, so that lines stand below each other also while they come one by one. */
const TYPE_WIDTH = 19;

export const EVENT_COMMANDS: readonly Command[] = [
  {
    name: 'events',
    summary: 'What happened, the newest last; with --follow also what happens.',
    notes:
      'With --follow it shows what happens from now on, over breaks of the connection, until Ctrl-C; --json then writes one event a line.',
    options: {
      ...GROWING_OPTIONS,
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

function events(call: Call): Promise<ExitCode> {
  return showGrowing<EventItem>(call, {
    ...{ path: '/v1/events', what: 'events', text: eventText },
    query: { app: call.option('app'), set: call.option('set'), type: call.option('type') },
    none: 'There is no such event.',
    missed: 'Some events are lost: more happened than the gateway keeps.',
  });
}

function eventText({ at, type, app, set, host, cause }: EventItem): string {
  const about = app === null ? (host ?? '') : set === null ? app : `${app}/${set}`;
  return `${at}  ${type.padEnd(TYPE_WIDTH)}  ${about === '' ? '' : `${about}  `}${cause}`;
}
