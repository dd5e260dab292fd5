/** `completion`: what a shell needs to complete commands and options. */
import type { Command } from '../command.ts';
import { usageFailure } from '../command-failure.ts';
import { completionFor, SHELLS } from '../completion.ts';
import { EXIT } from '../exit-codes.ts';

/** @param commands all there are, once the table is whole */
export function completionCommand(commands: () => readonly Command[]): Command {
  return {
    name: 'completion',
    summary: 'Writes what a shell needs to complete commands and options.',
    arguments: [{ name: 'SHELL', summary: `${SHELLS.join(', ')}.` }],
    notes: 'For bash: `source <(tide completion bash)`; for fish: `tide completion fish | source`.',
    example: 'tide completion bash > /etc/bash_completion.d/tide',
    run: ({ word, output }) => {
      const shell = SHELLS.find((one) => one === word);
      if (shell === undefined) throw usageFailure(`"${word}" is none of ${SHELLS.join(', ')}.`);
      output.text(completionFor(shell, commands()));
      return Promise.resolve(EXIT.ok);
    },
  };
}
