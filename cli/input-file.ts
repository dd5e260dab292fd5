/** A file that is named on the command line; `-` is stdin. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '#core/errors';
import { CommandFailure } from './command-failure.ts';
import { EXIT } from './exit-codes.ts';
import { textOfStdin } from './questions.ts';
import type { World } from './world.ts';

/** @throws CommandFailure when it cannot be read */
export async function textOfFile(name: string, { stdin, directory }: Pick<World, 'stdin' | 'directory'>) {
  if (name === '-') return await textOfStdin(stdin);
  const file = path.resolve(directory, name);
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandFailure(`${file} cannot be read: ${messageOf(error)}`, { exit: EXIT.failed });
  }
}
