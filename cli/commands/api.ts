/** `api`: any request to the API, with the answer as it is, for what has no command of its own. */
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { usageFailure } from '../command-failure.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { textOfFile } from '../input-file.ts';
import type { World } from '../world.ts';

const METHOD = /^[A-Za-z]{1,16}$/;

export const API_COMMANDS: readonly Command[] = [
  {
    name: 'api',
    summary: 'Any request to the API; the body of the answer goes to stdout as it is.',
    notes: 'docs/openapi.json lists what can be asked. Also an answer that is no success goes to stdout.',
    arguments: [
      { name: 'METHOD', summary: 'GET, PUT, POST, PATCH or DELETE.' },
      { name: 'PATH', summary: 'Begins with /; may have a query.' },
    ],
    options: {
      data: { type: 'string', value: 'JSON', summary: 'The body; @FILE reads it from a file, - from stdin.' },
      'if-match': { type: 'string', value: 'ETAG', summary: 'Only if nobody has changed it since.' },
    },
    example: `tide api PUT /v1/apps/shop/sets/web/scale --data '{"replicas":3}'`,
    run: request,
  },
];

async function request(call: Call): Promise<ExitCode> {
  const { api, output, world, words } = call;
  const [method = '', target = ''] = words;
  if (!METHOD.test(method)) throw usageFailure(`"${method}" is no method such as GET.`);
  if (!target.startsWith('/')) throw usageFailure(`"${target}" is no path: it begins with /.`);
  const etag = call.option('if-match');
  const data = call.option('data');
  const body = data === null ? undefined : await bodyOf(data, world);
  const answered = await api.ask(method.toUpperCase(), target, {
    body,
    headers: etag === null ? {} : { 'if-match': etag },
  });
  if (answered.text !== '') output.text(answered.text.endsWith('\n') ? answered.text : `${answered.text}\n`);
  api.checked(answered);
  return EXIT.ok;
}

async function bodyOf(data: string, world: World): Promise<string> {
  if (data === '-') return await textOfFile(data, world);
  return data.startsWith('@') ? await textOfFile(data.slice(1), world) : data;
}
