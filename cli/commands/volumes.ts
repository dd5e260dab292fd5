/** `volumes`: on which hosts the volumes of a set are, and the way out when such a host is gone for good. */
import type { VolumeHomes, VolumesGivenUp } from '../app-answers.ts';
import { appPath } from '../call.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { stateCell } from '../state-style.ts';

const SET = { name: 'SET', summary: 'The set.' } as const;

export const VOLUME_COMMANDS: readonly Command[] = [
  {
    name: 'volumes',
    summary: 'On which hosts the volumes of a set are, and what was given up of them.',
    arguments: [SET],
    example: 'tide volumes db --app shop',
    run: async (call) => {
      const { api, output, json, word } = call;
      const homes = await api.get<VolumeHomes>(appPath(await call.app(), 'sets', word, 'volume-homes'));
      const { items, left_behind: left } = homes;
      if (json) output.json(homes);
      else if (items.length + left.length === 0) output.note('None of its volumes has a host.');
      else {
        output.table(
          ['VOLUME', 'HOST', 'STATE', 'GIVEN UP BY'],
          [
            ...items.map(({ volume, host, state }) => [volume, host, stateCell(state), '']),
            ...left.map(({ volume, host, by, at, returned }) => {
              return [volume, host, returned ? 'left behind, returned' : 'left behind', `${by}, ${call.moment(at)}`];
            }),
          ],
        );
      }
      return EXIT.ok;
    },
  },
  {
    name: 'volumes give-up',
    summary:
      'Lets a set begin anew on another host when the one that has its volumes is gone for good: without their data.',
    arguments: [SET, { name: 'HOST', summary: 'The host that is gone.' }],
    notes: 'What is there stays there: when the host comes back its volumes are neither used nor removed.',
    options: { 'dry-run': { type: 'boolean', summary: 'Say whether it can be done, and change nothing.' } },
    example: 'tide volumes give-up db 10.0.0.7 --app shop --yes',
    run: async (call) => {
      const { api, output, json, words } = call;
      const [set = '', host = ''] = words;
      const app = await call.app();
      const isDry = call.flag('dry-run');
      if (!isDry) await call.confirm(`Begin ${set} of ${app} anew, without the data that it has on ${host}?`);
      const query = { dry_run: isDry ? 'true' : null };
      const given = await api.json<VolumesGivenUp>('DELETE', appPath(app, 'sets', set, 'volume-homes', host), {
        query,
      });
      if (json) output.json(given);
      else output.note(given.note);
      return EXIT.ok;
    },
  },
];
