/** `doctor`: whether everything is as it should be, and what to do about what is not. */
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { checkHealth } from '../health-checks.ts';
import { stateCell } from '../state-style.ts';

export const DOCTOR_COMMANDS: readonly Command[] = [
  {
    name: 'doctor',
    summary: 'Looks for what is wrong: gateway, token, hosts, domains, certificates.',
    notes: 'It ends with 7 when something is; every such line has a fix below it.',
    example: 'tide doctor',
    run: async ({ api, output, world, json }) => {
      const findings = await checkHealth(api, world.clock.wall());
      const isHealthy = findings.every(({ state }) => state !== 'fail');
      const exit = isHealthy ? EXIT.ok : EXIT.unhealthy;
      if (json) {
        output.json({ items: findings });
        return exit;
      }
      output.table(
        ['CHECK', 'STATE', 'FOUND'],
        findings.flatMap(({ check, state, detail, fix }) => [
          [check, stateCell(state), detail],
          ...fix.map((step) => ['', '', `fix: ${step}`]),
        ]),
      );
      return exit;
    },
  },
];
