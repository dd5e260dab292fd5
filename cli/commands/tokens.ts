/** `tokens`: what people, services and pipelines ask the API with. A new one goes to stdout, this once. */
import type { MadeToken, Token } from '../access-answers.ts';
import type { Call } from '../call.ts';
import { partsOf } from '../comma-list.ts';
import type { Command } from '../command.ts';
import { usageFailure } from '../command-failure.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

const TOKENS = '/v1/tokens';
const APP_PREFIX = 'app:';
const SPAN = /^(\d{1,5})([mhdw])$/;
const SPAN_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const TOKEN = { name: 'TOKEN', summary: 'Name of the token, or its id.' } as const;

export const TOKEN_COMMANDS: readonly Command[] = [
  {
    name: 'tokens ls',
    summary: 'Tokens of the tenant, and when they were used last.',
    example: 'tide tokens ls',
    run: list,
  },
  {
    name: 'tokens create',
    summary: 'Makes a token, and writes it to stdout this once.',
    arguments: [{ name: 'NAME', summary: 'What it is called.' }],
    options: {
      role: {
        type: 'string',
        value: 'ROLE',
        required: true,
        summary: 'viewer reads, developer deploys, manager manages, owner administers.',
      },
      kind: {
        type: 'string',
        value: 'KIND',
        summary: 'pat (of a person, the default), svc (of a service), dep (of a pipeline) or op (of an operator).',
      },
      apps: {
        type: 'string',
        value: 'APPS',
        summary: 'Only for these apps, comma-separated; `shop-*` for beginnings.',
      },
      from: { type: 'string', value: 'NETWORKS', summary: 'Only from these networks, comma-separated.' },
      expires: { type: 'string', value: 'WHEN', summary: 'In 12h, 90d or 8w, or at a time of RFC 3339.' },
    },
    notes: 'A token makes none that can do more than itself.',
    example: 'tide tokens create ci --kind dep --role developer --apps shop --expires 90d',
    run: create,
  },
  {
    name: 'tokens rotate',
    summary: 'Gives a token another secret, written to stdout this once; the old one ends now.',
    arguments: [TOKEN],
    example: 'tide tokens rotate ci --yes',
    run: async (call) => {
      const { api, word } = call;
      await call.confirm(`Give ${word} another secret? The one in use ends now.`);
      return show(call, await api.json<MadeToken>('POST', `${pathOf(word)}/rotate`));
    },
  },
  {
    name: 'tokens rm',
    summary: 'Ends a token, and what it holds open.',
    arguments: [TOKEN],
    example: 'tide tokens rm ci --yes',
    run: async (call) => {
      const { api, output, word } = call;
      await call.confirm(`End the token ${word}?`);
      await api.remove(pathOf(word));
      output.note(`${word} is in force no more.`);
      return EXIT.ok;
    },
  },
];

async function list(call: Call): Promise<ExitCode> {
  const { api, output } = call;
  const all = await api.list<Token>(TOKENS);
  if (call.json) {
    output.json(all);
    return EXIT.ok;
  }
  const rows = all.items.map(({ id, name, kind, role, resources, cidrs, expires_at, last_used_at }) => {
    const limits = [resources.map(appOf).join(', ') || 'all', cidrs.join(', ') || 'everywhere'];
    const moments = [expires_at === null ? 'never' : call.moment(expires_at), call.moment(last_used_at)];
    return [name, kind, role ?? '–', ...limits, ...moments, id];
  });
  if (rows.length === 0) output.note('There is no token yet: tide tokens create NAME --role ROLE');
  else output.table(['NAME', 'KIND', 'ROLE', 'APPS', 'FROM', 'EXPIRES', 'USED', 'ID'], rows);
  return EXIT.ok;
}

async function create(call: Call): Promise<ExitCode> {
  const kind = call.option('kind');
  const body = {
    name: call.word,
    role: call.option('role'),
    ...(kind === null ? {} : { kind }),
    resources: partsOf(call.option('apps')).map((one) => `${APP_PREFIX}${one}`),
    cidrs: partsOf(call.option('from')),
    expires_at: momentOf(call),
  };
  return show(call, await call.api.json<MadeToken>('POST', TOKENS, { body }));
}

function show({ output, json }: Call, made: MadeToken): ExitCode {
  if (json) output.json(made);
  else output.line(made.token ?? '');
  output.note(`${made.name} (${made.id}): nobody will see it again, so keep it now.`);
  return EXIT.ok;
}

/** RFC 3339; null: never. */
function momentOf(call: Call): string | null {
  const text = call.option('expires');
  if (text === null) return null;
  const [, count, unit = ''] = SPAN.exec(text) ?? [];
  if (count !== undefined) {
    return new Date(call.world.clock.wall() + Number(count) * (SPAN_MS[unit] ?? 0)).toISOString();
  }
  if (Number.isNaN(Date.parse(text))) throw usageFailure(`--expires: "${text}" is neither 12h, 90d, 8w nor a time.`);
  return new Date(text).toISOString();
}

function appOf(resource: string): string {
  return resource.slice(APP_PREFIX.length);
}

function pathOf(which: string): string {
  return `${TOKENS}/${encodeURIComponent(which)}`;
}
