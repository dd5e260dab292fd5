/** `plans`: how much tenants may have, and what their sets may ask of a host, for operators. */
import type { Plan } from '../access-answers.ts';
import type { Call } from '../call.ts';
import { partsOf } from '../comma-list.ts';
import type { Command } from '../command.ts';
import { usageFailure } from '../command-failure.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { amountText } from '../plan-text.ts';

const PLANS = '/v1/plans';
const NAME = { name: 'NAME', summary: 'Name of the plan.' } as const;
const NUMBER = /^\d+(?:\.\d+)?$/;

export const PLAN_COMMANDS: readonly Command[] = [
  {
    name: 'plans ls',
    summary: 'Plans, what they limit and what they allow (operators).',
    example: 'tide plans ls',
    run: list,
  },
  {
    name: 'plans set',
    summary: 'Makes a plan, or changes it for all tenants that have it (operators).',
    arguments: [NAME],
    options: {
      limits: {
        type: 'string',
        value: 'LIMITS',
        summary: 'Such as apps=5,memory=4Gi; of apps, sets, replicas, cpu, memory, domains, tokens, secrets.',
      },
      wakes: {
        type: 'string',
        value: 'LIMITS',
        summary: 'Sleeping sets that may be started: such as per_minute=30,at_once=4.',
      },
      allow: {
        type: 'string',
        value: 'WHAT',
        summary: 'Of privileged, host_namespaces, binds, capabilities, devices; each gives a container its host.',
      },
    },
    notes: 'What is left out is not limited, and not allowed.',
    example: 'tide plans set small --limits apps=5,replicas=10,cpu=4,memory=4Gi',
    run: set,
  },
  {
    name: 'plans rm',
    summary: 'Removes a plan that no tenant has (operators).',
    arguments: [NAME],
    example: 'tide plans rm small',
    run: async ({ api, output, word }) => {
      await api.remove(`${PLANS}/${encodeURIComponent(word)}`);
      output.note(`The plan ${word} is gone.`);
      return EXIT.ok;
    },
  },
];

async function list({ api, output, json }: Call): Promise<ExitCode> {
  const all = await api.list<Plan>(PLANS);
  if (json) output.json(all);
  else output.table(['PLAN', 'LIMITS', 'ALLOWS'], all.items.map(rowOf));
  return EXIT.ok;
}

async function set(call: Call): Promise<ExitCode> {
  const { api, output, word } = call;
  const allowances = Object.fromEntries(partsOf(call.option('allow')).map((one) => [one, true]));
  const limitsOf = (option: 'limits' | 'wakes'): Record<string, number | string> =>
    Object.fromEntries(partsOf(call.option(option)).map((text) => limitOf(option, text)));
  const body = { limits: limitsOf('limits'), wakes: limitsOf('wakes'), allowances };
  const plan = await api.json<Plan>('PUT', `${PLANS}/${encodeURIComponent(word)}`, { body });
  if (call.json) output.json(plan);
  else output.table(['PLAN', 'LIMITS', 'ALLOWS'], [rowOf(plan)]);
  return EXIT.ok;
}

function rowOf({ name, limits, wakes, allowances }: Plan): string[] {
  const limited = Object.entries(limits).flatMap(([what, limit]) => {
    return limit === null ? [] : [`${what}=${amountText(what, limit)}`];
  });
  for (const [what, limit] of Object.entries(wakes)) if (limit !== null) limited.push(`wakes.${what}=${limit}`);
  const allowed = Object.entries(allowances).flatMap(([what, isAllowed]) => (isAllowed ? [what] : []));
  return [name, limited.join(',') || 'none', allowed.join(',') || 'nothing'];
}

function limitOf(option: string, text: string): [string, number | string] {
  const [what = '', amount = ''] = text.split('=');
  if (what === '' || amount === '') throw usageFailure(`--${option}: "${text}" is not such as apps=5.`);
  return [what, NUMBER.test(amount) ? Number(amount) : amount];
}
