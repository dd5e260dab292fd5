/** `ops`: what was begun and takes its time, followed and ended. */
import type { Operation } from '../app-answers.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { evidenceLines, phaseText } from '../deployment-text.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { follow, operationOf, WAIT_OPTIONS } from '../following.ts';
import { spanText } from '../moments.ts';
import { isOver, operationPath } from '../operation-watch.ts';
import { stateCell } from '../state-style.ts';

const OPERATION = { name: 'OPERATION', summary: 'Its id.' } as const;
const { timeout: TIMEOUT } = WAIT_OPTIONS;

export const OPERATION_COMMANDS: readonly Command[] = [
  {
    name: 'ops ls',
    summary: 'Operations of the tenant, the newest first.',
    notes: 'They are kept for a day after their end.',
    example: 'tide ops ls',
    run: list,
  },
  {
    name: 'ops show',
    summary: 'An operation: where it is, and what came of it.',
    arguments: [OPERATION],
    example: 'tide ops show opr_01JD8Q',
    run: show,
  },
  {
    name: 'ops wait',
    summary: 'Follows an operation to its end, and ends as it ends: 0 succeeded, 7 not, 6 not yet.',
    arguments: [OPERATION],
    options: TIMEOUT === undefined ? {} : { timeout: { ...TIMEOUT, summary: 'How long it waits; 10m when left out.' } },
    example: 'tide ops wait opr_01JD8Q --timeout 5m',
    run: async (call) => await follow(call, () => operationOf(call, call.word), { always: true }),
  },
  {
    name: 'ops cancel',
    summary: 'Ends an operation before its time; what was before is put back.',
    arguments: [OPERATION],
    example: 'tide ops cancel opr_01JD8Q',
    run: async (call) => {
      const { api, output, json, word } = call;
      const operation = await api.json<Operation>('POST', operationPath(word, 'cancel'));
      if (json) output.json(operation);
      output.note(`The ${operation.type} of ${operation.target} ends; \`tide ops wait ${word}\` follows it.`);
      return EXIT.ok;
    },
  },
];

async function list(call: Call): Promise<ExitCode> {
  const { api, output, json } = call;
  const all = await api.list<Operation>('/v1/operations');
  if (json) output.json(all);
  else if (all.items.length === 0) output.note('There is no operation: none was begun within the last day.');
  else {
    const rows = all.items.map(({ id, type, target, state, phase, by, created_at, error }) => {
      const where = isOver({ state }) ? (error?.code ?? '') : phase;
      return [id, type, target, stateCell(state), where, call.moment(created_at), by];
    });
    output.table(['OPERATION', 'TYPE', 'OF', 'STATE', 'WHERE', 'BEGUN', 'BY'], rows);
  }
  return EXIT.ok;
}

async function show(call: Call): Promise<ExitCode> {
  const { output, json } = call;
  const operation = await operationOf(call, call.word);
  if (json) {
    output.json(operation);
    return EXIT.ok;
  }
  const { id, type, target, state, phase, steps, result, error, by, created_at, updated_at } = operation;
  const over = isOver(operation);
  output.facts({
    ...{ operation: id, type, of: target, state: stateCell(state) },
    where: over || phase === '' ? null : phaseText(phase),
    steps: steps.map(({ name, ms }) => `${name} ${spanText(ms) ?? 'at once'}`).join(', '),
    deployment: result?.deployment,
    begun: call.moment(created_at),
    ended: over ? call.moment(updated_at) : null,
    by,
  });
  if (error !== null) {
    output.line();
    output.line(`It failed: ${error.detail} (${error.code})`);
    for (const line of evidenceLines({ evidence: error.data?.evidence ?? [] })) output.line(`  ${line}`);
  }
  return EXIT.ok;
}
