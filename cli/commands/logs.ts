/** `logs`: what containers wrote, also of replicas that are gone, and with `-f` what they write. */
import type { LogItem } from '../answers.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { usageFailure } from '../command-failure.ts';
import { followEvents } from '../event-tail.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

const TAIL = 100;
/** What the API gives at a time. */
const PAGE_LINES = 1000;
/** Where somebody asks for all lines since a moment. */
const LINES_MAX = 100_000;
/** `2026-11-28T12:00:00.123`: nobody reads nanoseconds. */
const STAMP_CHARS = 23;

export const LOG_COMMANDS: readonly Command[] = [
  {
    name: 'logs',
    summary: 'What containers of an app wrote, also of replicas that are gone; with --follow also what they write.',
    arguments: [{ name: 'SET', summary: 'Only of this set.', optional: true }],
    notes: `Shows the newest ${TAIL} lines, and with --since all since then. With --follow it goes on over breaks of the connection until Ctrl-C; --json then writes one line of log a line.`,
    options: {
      follow: { type: 'boolean', short: 'f', summary: 'Go on with what they write.' },
      since: { type: 'string', value: 'MOMENT', summary: 'Not before: 30m or 1h ago, or a time of RFC 3339.' },
      until: { type: 'string', value: 'MOMENT', summary: 'Not after, likewise.' },
      grep: { type: 'string', value: 'TEXT', summary: 'Only lines in which this stands, as it is.' },
      'ignore-case': { type: 'boolean', summary: 'For --grep: capitals or not.' },
      tail: { type: 'string', short: 'n', value: 'COUNT', summary: 'The newest so many.' },
      replica: { type: 'string', value: 'REPLICA', summary: 'Only of this replica, by name or container id.' },
      member: { type: 'string', value: 'MEMBER', summary: 'Only of this container of the replicas.' },
      stream: { type: 'string', value: 'STREAM', summary: 'Only stdout, or only stderr.' },
    },
    example: 'tide logs web --since 1h --grep timeout',
    run: logs,
  },
];

interface LogPage {
  readonly items: readonly LogItem[];
  readonly next_cursor: string | null;
}

async function logs(call: Call): Promise<ExitCode> {
  const { api, output, world, json } = call;
  const path = `/v1/apps/${encodeURIComponent(await call.app())}/logs`;
  const query = {
    set: call.words[0] ?? null,
    since: call.option('since'),
    until: call.option('until'),
    grep: call.option('grep'),
    ignore_case: call.flag('ignore-case') ? 'true' : null,
    replica: call.option('replica'),
    member: call.option('member'),
    stream: call.option('stream'),
  };
  const given = call.count('tail');
  const show = (line: LogItem): void => (json ? output.jsonLine(line) : output.line(lineText(line)));
  if (call.flag('follow')) {
    const tail = given ?? (query.since === null ? TAIL : PAGE_LINES);
    if (tail > PAGE_LINES) throw usageFailure(`--tail is at most ${PAGE_LINES} with --follow.`);
    const lost = (item: unknown): void =>
      output.note(isLine(item) ? lineText(item) : 'Lines are lost: they were removed before they were read.');
    await followEvents<LogItem>({
      ...{ api, path, what: 'logs', after: null, output, world, show, lost },
      query: { ...query, tail: String(tail) },
      // What was shown before a break is not shown again.
      again: { tail: '0' },
    });
    return EXIT.interrupted;
  }
  const limit = given ?? (query.since === null ? TAIL : LINES_MAX);
  const lines = await newest(call, path, query, limit);
  if (json) output.json({ items: lines });
  else if (lines.length === 0) output.note('There is no such line.');
  else for (const line of lines) show(line);
  return EXIT.ok;
}

/** Oldest first. A page may be empty and not the last: then the gateway has only looked so far. */
async function newest({ api, output }: Call, path: string, query: Record<string, string | null>, limit: number) {
  const pages: LogItem[][] = [];
  let count = 0;
  let cursor: string | null = null;
  do {
    const tail = String(Math.min(PAGE_LINES, limit - count));
    const page: LogPage = await api.get<LogPage>(path, { ...query, tail, cursor });
    pages.push([...page.items]);
    count += page.items.length;
    cursor = page.next_cursor;
  } while (cursor !== null && count < limit);
  if (cursor !== null && limit === LINES_MAX) output.note(`Only the newest ${LINES_MAX} lines are shown.`);
  return pages.reverse().flat();
}

function lineText({ at, set, name, member, stream, text, cut }: LogItem): string {
  const who = member === null ? `${set} ${name}` : `${set} ${name}/${member}`;
  const words = stream === 'gap' ? `(${text})` : text;
  return `${at.slice(0, STAMP_CHARS)}Z  ${who}  ${words}${cut ? ' …' : ''}`;
}

function isLine(item: unknown): item is LogItem {
  return typeof item === 'object' && item !== null && 'text' in item;
}
