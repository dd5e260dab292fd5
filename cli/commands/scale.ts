/** `scale`: how many replicas a set has, beside its labels. */
import type { Scale } from '../answers.ts';
import { type Call, wholeNumber } from '../call.ts';
import type { Command } from '../command.ts';
import { usageFailure } from '../command-failure.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

const LABELS_ALONE = { min: null, max: null, replicas: null };

export const SCALE_COMMANDS: readonly Command[] = [
  {
    name: 'scale',
    summary: 'Shows or changes the scale of sets for good: in their spec, or beside the labels that they are found by.',
    notes: 'SET alone shows it; SET=COUNT fixes the number of replicas, SET=0 puts the set to sleep now.',
    arguments: [
      { name: 'SET[=COUNT]', summary: 'Name of a set, perhaps with how many replicas it is to have.', many: true },
    ],
    options: {
      min: { type: 'string', value: 'COUNT', summary: 'Replicas kept without traffic; 0: the set may sleep.' },
      max: { type: 'string', value: 'COUNT', summary: 'Replicas at most.' },
      reset: { type: 'boolean', summary: 'Back to what spec or labels say, before what else is given.' },
      'dry-run': { type: 'boolean', summary: 'Say what it would come to, and change nothing.' },
    },
    example: 'tide scale web=3 --app shop',
    run: scale,
  },
];

async function scale(call: Call): Promise<ExitCode> {
  const { api, output } = call;
  const shared = sharedChange(call);
  const wishes = call.words.map((word) => wishOf(word, shared));
  const app = await call.app();
  const scales: Scale[] = [];
  for (const { set, change } of wishes) {
    const path = `/v1/apps/${encodeURIComponent(app)}/sets/${encodeURIComponent(set)}/scale`;
    const query = { dry_run: call.flag('dry-run') ? 'true' : null };
    const isLook = Object.keys(change).length === 0;
    try {
      scales.push(isLook ? await api.get<Scale>(path) : await api.json<Scale>('PUT', path, { body: change, query }));
    } catch (error) {
      const done = wishes.slice(0, scales.length).map((one) => one.set);
      if (done.length > 0 && !isLook)
        output.note(`Changed already: ${done.join(', ')}. Not changed: ${set} and what comes after it.`);
      throw error;
    }
  }
  if (call.json) {
    output.json(scales.length === 1 ? scales[0] : { items: scales });
    return EXIT.ok;
  }
  const rows = scales.map(({ min, max, replicas, ready, override, labels }, index) => {
    const from = override === null ? 'labels' : `${override.by}, ${call.moment(override.at)}`;
    const set = wishes[index]?.set ?? '';
    return [set, String(min), String(max), String(replicas), String(ready), from, `${labels.min} to ${labels.max}`];
  });
  output.table(['SET', 'MIN', 'MAX', 'WANTED', 'READY', 'ASKED FOR BY', 'LABELS'], rows);
  return EXIT.ok;
}

/** What is asked of every set that is named. */
function sharedChange(call: Call): Record<string, number | null> {
  const min = call.count('min');
  const max = call.count('max');
  return {
    ...(call.flag('reset') ? LABELS_ALONE : {}),
    ...(min === null ? {} : { min }),
    ...(max === null ? {} : { max }),
  };
}

function wishOf(word: string, shared: Record<string, number | null>) {
  const [set = '', count, ...more] = word.split('=');
  if (set === '' || more.length > 0) throw usageFailure(`"${word}" is not SET or SET=COUNT.`);
  return { set, change: count === undefined ? shared : { ...shared, replicas: wholeNumber(count, set) } };
}
