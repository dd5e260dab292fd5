/** `sets`: a set as JSON, the way the API takes it; and `resize`, which changes limits while containers run. */
import type { Operation, WishedSet } from '../app-answers.ts';
import { appPath, type Call } from '../call.ts';
import type { Command } from '../command.ts';
import { usageFailure } from '../command-failure.ts';
import { SET_OPTION, STRATEGY_OPTION, strategyOf } from '../deploy-options.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { follow, operationOf, WAIT_OPTIONS } from '../following.ts';
import { textOfFile } from '../input-file.ts';
import { amountText } from '../plan-text.ts';

const SET = { name: 'SET', summary: 'The set.' } as const;
const NUMBER = /^\d+(?:\.\d+)?$/;

export const SET_COMMANDS: readonly Command[] = [
  {
    name: 'sets show',
    summary: 'A set as it was asked for, as the JSON that `sets apply` takes.',
    arguments: [{ ...SET, optional: true }],
    notes: 'With --json it is what the API answers: the same under `spec`, beside the revision that is in force.',
    example: 'tide sets show web --app shop > web.json',
    run: async (call) => {
      const { api, output, json, words } = call;
      const app = await call.app();
      const set = await api.get<WishedSet>(appPath(app, 'sets', words[0] ?? (await call.set(app)), 'spec'));
      output.json(json ? set : set.spec);
      return EXIT.ok;
    },
  },
  {
    name: 'sets apply',
    summary: 'Makes a set, or makes it what a file says: at once, or by a deployment where containers have to change.',
    options: {
      file: { type: 'string', short: 'f', value: 'FILE', required: true, summary: 'JSON of the set; - is stdin.' },
      set: SET_OPTION,
      strategy: STRATEGY_OPTION,
      'dry-run': { type: 'boolean', summary: 'Check it, show what it would be, and change nothing.' },
      ...WAIT_OPTIONS,
    },
    example: 'tide sets apply -f web.json --set web --app shop --wait',
    run: apply,
  },
  {
    name: 'sets rm',
    summary: 'Takes a set away: traffic first, containers after they have finished, volumes never.',
    arguments: [SET],
    options: WAIT_OPTIONS,
    example: 'tide sets rm worker --app shop --yes',
    run: async (call) => {
      const app = await call.app();
      await call.confirm(`Take the set ${call.word} of ${app} away?`);
      return await follow(call, () => call.api.json<Operation>('DELETE', appPath(app, 'sets', call.word)));
    },
  },
  {
    name: 'resize',
    summary: 'Changes the limits of a set while its containers run: nothing is started again.',
    arguments: [SET],
    options: {
      cpu: { type: 'string', value: 'CORES', summary: 'Such as 2, 0.5 or 500m, for each replica.' },
      memory: { type: 'string', value: 'SIZE', summary: 'Such as 512Mi or 1g, for each replica.' },
      'dry-run': { type: 'boolean', summary: 'Check it, and change nothing.' },
    },
    example: 'tide resize web --cpu 2 --memory 1g --app shop',
    run: resize,
  },
];

async function apply(call: Call): Promise<ExitCode> {
  const { api, output, world, json } = call;
  const file = call.option('file') ?? '';
  const strategy = strategyOf(call);
  const body = await textOfFile(file, world);
  if (!isJson(body))
    throw usageFailure(`${file} holds no JSON.`, ['`tide sets show` writes a set that can be changed.']);
  const app = await call.app();
  const query = { strategy, dry_run: call.flag('dry-run') ? 'true' : null };
  const put = async () => api.json<WishedSet>('PUT', appPath(app, 'sets', await call.set(app)), { body, query });
  if (call.flag('dry-run')) {
    const set = await put();
    output.json(json ? set : set.spec);
    return EXIT.ok;
  }
  return await follow(call, async () => {
    const set = await put();
    if (set.operation !== null) return await operationOf(call, set.operation);
    if (json) output.json(set);
    output.note(`${set.name} of ${app} is as the file says; no container had to change.`);
    return null;
  });
}

async function resize(call: Call): Promise<ExitCode> {
  const { api, output, json, word } = call;
  const cpu = call.option('cpu');
  const memory = call.option('memory');
  if (cpu === null && memory === null) throw usageFailure('Give --cpu, --memory, or both.');
  const body = {
    ...(cpu === null ? {} : { cpu: NUMBER.test(cpu) ? Number(cpu) : cpu }),
    ...(memory === null ? {} : { memory: /^\d+$/.test(memory) ? Number(memory) : memory }),
  };
  const query = { dry_run: call.flag('dry-run') ? 'true' : null };
  const path = appPath(await call.app(), 'sets', word, 'resources');
  const set = await api.json<WishedSet>('PATCH', path, { body, query });
  if (json) output.json(set);
  else {
    const { cpu: cores, memory: bytes } = set.spec.resources ?? {};
    output.facts({ set: set.name, cpu: amountText('cpu', cores ?? null), memory: amountText('memory', bytes ?? null) });
  }
  return EXIT.ok;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
