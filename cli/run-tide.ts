/** From the words after `tide` to an exit code. Whatever goes wrong on the way ends in one message on stderr. */
import { messageOf } from '#core/errors';
import { isName } from '#core/name';
import { Api } from './api.ts';
import { Call } from './call.ts';
import { CommandFailure, usageFailure } from './command-failure.ts';
import { parseCommandLine } from './command-line.ts';
import { COMMANDS } from './command-table.ts';
import { findCredential } from './credentials.ts';
import { EXIT } from './exit-codes.ts';
import { gatewayUrl } from './gateway-url.ts';
import { helpText } from './help.ts';
import { Output } from './output.ts';
import type { World } from './world.ts';

export async function runTide(args: readonly string[], world: World): Promise<number> {
  const { stdout, stderr, env, interrupted } = world;
  const output = new Output({ stdout, stderr, colors: stdout.isTTY === true && !env.NO_COLOR });
  try {
    return await run(args, world, output);
  } catch (error) {
    if (interrupted.aborted) return EXIT.interrupted;
    const known = error instanceof CommandFailure;
    const failure = known ? error : new CommandFailure(messageOf(error), { exit: EXIT.failed });
    output.failure(failure);
    return failure.exit;
  }
}

async function run(args: readonly string[], world: World, output: Output): Promise<number> {
  const line = parseCommandLine(args, COMMANDS);
  switch (line.kind) {
    case 'version':
      output.line(`tide ${world.version}`);
      return EXIT.ok;
    case 'help':
      output.text(helpText(line.topic, COMMANDS));
      return EXIT.ok;
    case 'wrong':
      throw usageFailure(line.problem, [`\`tide help ${line.topic.join(' ')}`.trimEnd().concat('` says how.')]);
    case 'run': {
      const { command, words, options } = line;
      const tenant = options.get('tenant') ?? null;
      if (tenant !== null && !(typeof tenant === 'string' && isName(tenant))) {
        throw usageFailure(`--tenant: "${tenant}" is not the name of a tenant.`);
      }
      const { fetch, clock, interrupted } = world;
      const url = gatewayUrl(world.env);
      // `login` brings the token that there is to be.
      const credential = command.name === 'login' ? null : findCredential(url, world);
      const api = new Api({ url, credential, tenant, fetch, clock, interrupted });
      const code = await command.run(new Call({ words, options, api, output, world }));
      return interrupted.aborted ? EXIT.interrupted : code;
    }
  }
}
