/** `audit`: who was asked to change what, and what came of it. */
import type { AuditItem } from '../access-answers.ts';
import type { Items } from '../api.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { usageFailure } from '../command-failure.ts';
import { followEvents } from '../event-tail.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

const PATH = '/v1/audit';
const LIMIT = 100;
const LIMIT_MAX = 1000;
const METHOD_WIDTH = 6;
const OUTCOME_WIDTH = 13;

export const AUDIT_COMMANDS: readonly Command[] = [
  {
    name: 'audit',
    summary: 'Who changed what, or tried to, the newest last; with --follow also what is changed now.',
    notes: 'Operators see what is of no tenant, too. Fields are named, their values are kept nowhere.',
    options: {
      follow: { type: 'boolean', short: 'f', summary: 'Go on with what happens.' },
      limit: {
        type: 'string',
        value: 'COUNT',
        summary: `How many of the past ones; ${LIMIT}, and with --follow none.`,
      },
      actor: { type: 'string', value: 'TOKEN', summary: 'Only of this token, by name or id.' },
      since: { type: 'string', value: 'MOMENT', summary: 'Not before: 30m or 1h ago, or a time of RFC 3339.' },
    },
    example: 'tide audit --app shop --since 1h',
    run: audit,
  },
];

async function audit(call: Call): Promise<ExitCode> {
  const { api, output, world, json } = call;
  const follows = call.flag('follow');
  const limit = call.count('limit') ?? (follows ? 0 : LIMIT);
  if (limit > LIMIT_MAX || (limit === 0 && !follows)) throw usageFailure(`--limit is 1 to ${LIMIT_MAX}.`);
  const query = { app: call.option('app'), actor: call.option('actor'), since: call.option('since') };
  const past = limit === 0 ? { items: [] } : await api.get<Items<AuditItem>>(PATH, { ...query, limit: String(limit) });
  if (json && !follows) {
    output.json({ items: past.items });
    return EXIT.ok;
  }
  const show = (item: AuditItem): void => (json ? output.jsonLine(item) : output.line(auditText(item)));
  for (const item of past.items.toReversed()) show(item);
  if (!follows) {
    if (past.items.length === 0) output.note('There is no such record.');
    return EXIT.ok;
  }
  const lost = (): void => output.note('Some records were missed; without --follow all that are kept are shown.');
  const after = past.items[0]?.id ?? null;
  await followEvents({ ...{ api, path: PATH, what: 'audit log', query, after }, ...{ output, world, show, lost } });
  return EXIT.interrupted;
}

function auditText({ at, actor, method, path, params, status, code, client, fields, dry_run }: AuditItem): string {
  const target = path.replaceAll(/\{(\w+)\}/g, (whole, name: string) => params[name] ?? whole);
  const outcome = status === null ? 'not known' : status < 400 ? 'done' : (code ?? String(status));
  const who = `${actor?.name ?? 'nobody known'}${client === null ? '' : ` from ${client}`}`;
  const sent = fields.length === 0 ? '' : ` (${fields.join(', ')})`;
  const what = `${method.padEnd(METHOD_WIDTH)}  ${target}${sent}${dry_run ? ', only tried' : ''}`;
  return `${at}  ${outcome.padEnd(OUTCOME_WIDTH)}  ${what}  by ${who}`;
}
