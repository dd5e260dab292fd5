/** `hosts`: the machines that containers run on, for operators. */
import type { Host } from '../answers.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { stateCell } from '../state-style.ts';

export const HOST_COMMANDS: readonly Command[] = [
  {
    name: 'hosts',
    summary: 'Hosts, and whether their Engine answers (operators).',
    example: 'tide hosts',
    run: async ({ api, output, json }) => {
      const list = await api.list<Host>('/v1/hosts');
      const rows = list.items.map(({ name, state, cause, engine, replicas }) => {
        const version = engine === null ? '–' : `${engine.version} (API ${engine.api_version})`;
        return [name, stateCell(state), version, String(replicas), cause ?? ''];
      });
      if (json) output.json(list);
      else if (rows.length === 0) output.note('There is no host.');
      else output.table(['HOST', 'STATE', 'ENGINE', 'REPLICAS', 'CAUSE'], rows);
      return EXIT.ok;
    },
  },
];
