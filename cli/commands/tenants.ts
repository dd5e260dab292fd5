/** `tenants` and `usage`: who shares the gateway, and how much of it each has. */
import type { Tenant, Usage } from '../access-answers.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { amountText } from '../plan-text.ts';
import { stateCell } from '../state-style.ts';

const TENANTS = '/v1/tenants';
const NAME = { name: 'NAME', summary: 'Name of the tenant.' } as const;
const PLAN = { type: 'string', value: 'PLAN', summary: 'How much it may have; `tide plans ls` shows them.' } as const;

export const TENANT_COMMANDS: readonly Command[] = [
  {
    name: 'tenants ls',
    summary: 'Tenants, their plans and whether they may change anything (operators).',
    example: 'tide tenants ls',
    run: list,
  },
  {
    name: 'tenants create',
    summary: 'Makes a tenant (operators).',
    arguments: [NAME],
    options: { plan: PLAN },
    example: 'tide tenants create acme --plan small',
    run: async (call) => {
      const plan = call.option('plan');
      const body = { name: call.word, ...(plan === null ? {} : { plan }) };
      const tenant = await call.api.json<Tenant>('POST', TENANTS, { body });
      const next = `Its first token: tide tokens create owner --role owner --tenant ${tenant.name}`;
      return done(call, tenant, `${tenant.name} is there, on the plan ${tenant.plan}. ${next}`);
    },
  },
  {
    name: 'tenants set',
    summary: 'Puts a tenant on another plan (operators).',
    arguments: [NAME],
    options: { plan: { ...PLAN, required: true } },
    example: 'tide tenants set acme --plan large',
    run: async (call) => {
      const tenant = await change(call, { plan: call.option('plan') });
      return done(call, tenant, `${tenant.name} is on the plan ${tenant.plan}.`);
    },
  },
  {
    name: 'tenants suspend',
    summary: 'Lets a tenant read and change nothing; its traffic is served (operators).',
    arguments: [NAME],
    example: 'tide tenants suspend acme --yes',
    run: async (call) => {
      await call.confirm(`Suspend ${call.word}? Its tokens change nothing any more.`);
      const tenant = await change(call, { state: 'suspended' });
      return done(call, tenant, `${tenant.name} is suspended; \`tide tenants resume\` lets it go on.`);
    },
  },
  {
    name: 'tenants resume',
    summary: 'Lets a suspended tenant go on (operators).',
    arguments: [NAME],
    example: 'tide tenants resume acme',
    run: async (call) => {
      const tenant = await change(call, { state: 'active' });
      return done(call, tenant, `${tenant.name} goes on.`);
    },
  },
  {
    name: 'tenants rm',
    summary: 'Removes a tenant without apps, and its tokens with it (operators).',
    arguments: [NAME],
    example: 'tide tenants rm acme --yes',
    run: async (call) => {
      const { api, output, word } = call;
      await call.confirm(`Remove ${word}, and its tokens with it?`);
      await api.remove(pathOf(word));
      output.note(`${word} is gone.`);
      return EXIT.ok;
    },
  },
  {
    name: 'usage',
    summary: 'What the tenant has, and what its plan allows.',
    example: 'tide usage --tenant acme',
    run: usage,
  },
];

async function list({ api, output, json }: Call): Promise<ExitCode> {
  const all = await api.list<Tenant>(TENANTS);
  const rows = all.items.map(({ name, plan, state, created_at }) => [name, plan, stateCell(state), created_at ?? '–']);
  if (json) output.json(all);
  else output.table(['TENANT', 'PLAN', 'STATE', 'SINCE'], rows);
  return EXIT.ok;
}

function change({ api, word }: Call, body: object): Promise<Tenant> {
  return api.json<Tenant>('PATCH', pathOf(word), { body });
}

function done({ output, json }: Call, tenant: Tenant, note: string): ExitCode {
  if (json) output.json(tenant);
  output.note(note);
  return EXIT.ok;
}

async function usage({ api, output, json }: Call): Promise<ExitCode> {
  const found = await api.get<Usage>('/v1/usage');
  if (json) {
    output.json(found);
    return EXIT.ok;
  }
  const rows = Object.entries(found.used).map(([resource, used]) => {
    const limit = found.limits[resource] ?? null;
    const isFull = limit !== null && used >= limit;
    const text = amountText(resource, used);
    return [resource, isFull ? { text, style: 'waiting' as const } : text, amountText(resource, limit)];
  });
  output.note(`${found.tenant}, ${found.plan === null ? 'on no plan' : `on the plan ${found.plan}`}`);
  output.table(['WHAT', 'USED', 'LIMIT'], rows);
  return EXIT.ok;
}

function pathOf(name: string): string {
  return `${TENANTS}/${encodeURIComponent(name)}`;
}
