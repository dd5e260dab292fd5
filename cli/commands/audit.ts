/** `audit`: who was asked to change what, and what came of it. */
import type { AuditItem } from '../access-answers.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import type { ExitCode } from '../exit-codes.ts';
import { GROWING_OPTIONS, showGrowing } from '../past-and-present.ts';

const METHOD_WIDTH = 6;
const OUTCOME_WIDTH = 13;

export const AUDIT_COMMANDS: readonly Command[] = [
  {
    name: 'audit',
    summary: 'Who changed what, or tried to, the newest last; with --follow also what is changed now.',
    notes: 'Operators see what is of no tenant, too. Fields are named, their values are kept nowhere.',
    options: {
      ...GROWING_OPTIONS,
      actor: { type: 'string', value: 'TOKEN', summary: 'Only of this token, by name or id.' },
      since: { type: 'string', value: 'MOMENT', summary: 'Not before: 30m or 1h ago, or a time of RFC 3339.' },
    },
    example: 'tide audit --app shop --since 1h',
    run: audit,
  },
];

function audit(call: Call): Promise<ExitCode> {
  return showGrowing<AuditItem>(call, {
    ...{ path: '/v1/audit', what: 'audit log', text: auditText },
    query: { app: call.option('app'), actor: call.option('actor'), since: call.option('since') },
    none: 'There is no such record.',
    missed: 'Some records were missed; without --follow all that are kept are shown.',
  });
}

function auditText({
  at,
  actor,
  method,
  path,
  params,
  status,
  code,
  client,
  fields,
  pending,
  dry_run,
}: AuditItem): string {
  const target = path.replaceAll(/\{(\w+)\}/g, (whole, name: string) => params[name] ?? whole);
  const unknown = pending ? 'under way' : 'not known';
  const outcome = status === null ? unknown : status < 400 ? 'done' : (code ?? String(status));
  const who = `${actor?.name ?? 'nobody known'}${client === null ? '' : ` from ${client}`}`;
  const sent = fields.length === 0 ? '' : ` (${fields.join(', ')})`;
  const what = `${method.padEnd(METHOD_WIDTH)}  ${target}${sent}${dry_run ? ', only tried' : ''}`;
  return `${at}  ${outcome.padEnd(OUTCOME_WIDTH)}  ${what}  by ${who}`;
}
