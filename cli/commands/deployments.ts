/** `deployments`, and what people want of one that runs: `promote`, `abort`, `pause`, `resume`, `cancel`. */
import type { Deployment } from '../app-answers.ts';
import { appPath, type Call } from '../call.ts';
import type { Command } from '../command.ts';
import { CommandFailure, usageFailure } from '../command-failure.ts';
import { evidenceLines, fixesOf, movesText, phaseText, whatServes } from '../deployment-text.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { stateCell } from '../state-style.ts';

const DEPLOYMENT = { name: 'DEPLOYMENT', summary: 'Its id; left out: the one that runs.', optional: true } as const;

const WISHES = {
  promote: ['Lets a canary take over now, without waiting for its steps.', 'takes over'],
  abort: [
    'Ends a deployment as one that is no good; what was before is put back.',
    'ends, and what was before is put back',
  ],
  pause: ['Stops the time of the steps of a canary.', 'stands still'],
  resume: ['Lets the time of the steps of a canary go on.', 'goes on'],
  cancel: ['Ends a deployment; what was before is put back.', 'ends, and what was before is put back'],
} as const;

export const DEPLOYMENT_COMMANDS: readonly Command[] = [
  {
    name: 'deployments',
    summary: 'Deployments of an app, the newest first; with an id, where it is and why it failed.',
    notes: 'With an id it ends with 7 when that deployment has not come into force.',
    arguments: [{ name: 'DEPLOYMENT', summary: 'Its id.', optional: true }],
    example: 'tide deployments --app shop',
    run: (call) => (call.words[0] === undefined ? list(call) : show(call, call.words[0])),
  },
  ...Object.entries(WISHES).map(
    ([wish, [summary, outcome]]): Command => ({
      name: wish,
      summary,
      arguments: [DEPLOYMENT],
      example: `tide ${wish} --app shop`,
      run: (call) => want(call, wish, outcome),
    }),
  ),
];

async function list(call: Call): Promise<ExitCode> {
  const { api, output, json } = call;
  const app = await call.app();
  const all = await api.list<Deployment>(appPath(app, 'deployments'));
  // Of an app that is not there the list is empty, too.
  if (all.items.length === 0) await api.get(appPath(app));
  if (json) output.json(all);
  else if (all.items.length === 0) output.note(`${app} has had no deployment yet: tide deploy`);
  else {
    const rows = all.items.map((one) => {
      const { id, state, paused, strategy, created_at, by, cause, error } = one;
      const why = error === null ? cause : `${error.detail} (${error.code})`;
      const now =
        paused && one.ended_at === null ? { ...stateCell(state), text: `${state}, paused` } : stateCell(state);
      return [id, now, strategy, movesText(one), call.moment(created_at), by, why];
    });
    output.table(['DEPLOYMENT', 'STATE', 'STRATEGY', 'SETS', 'BEGUN', 'BY', 'WHY'], rows);
  }
  return EXIT.ok;
}

async function show(call: Call, id: string): Promise<ExitCode> {
  const { api, output, json } = call;
  const one = await api.get<Deployment>(appPath(await call.app(), 'deployments', id));
  const hasFailed = one.ended_at !== null && one.state !== 'succeeded';
  if (json) {
    output.json(one);
    return hasFailed ? EXIT.unhealthy : EXIT.ok;
  }
  const { state, strategy, steps, paused, by, cause, operation, created_at, ended_at, error } = one;
  const [turn] = one.sets;
  const held = steps.map(({ weight, hold }, i) => `${weight} % for ${hold}${i < (turn?.step ?? 0) ? ' (done)' : ''}`);
  output.facts({
    deployment: one.id,
    state: { ...stateCell(state), text: ended_at === null ? phaseText(state) : state },
    paused: paused && ended_at === null ? 'yes; `tide resume` lets it go on' : null,
    ...{ strategy, steps: held.join(', '), sets: movesText(one), cause, by },
    begun: call.moment(created_at),
    ended: ended_at === null ? null : call.moment(ended_at),
    operation,
  });
  if (error !== null) {
    output.line();
    output.line(`It failed while ${error.phase}: ${error.detail} (${error.code})`);
    for (const line of evidenceLines(error)) output.line(`  ${line}`);
  }
  if (hasFailed) for (const line of whatServes(one)) output.line(`  ${line}`);
  if (error !== null) for (const step of fixesOf(error, error.set)) output.note(`fix: ${step}`);
  return hasFailed ? EXIT.unhealthy : EXIT.ok;
}

async function want(call: Call, wish: string, outcome: string): Promise<ExitCode> {
  const { api, output, json } = call;
  const app = await call.app();
  const id = call.words[0] ?? (await running(call, app));
  const one = await api.json<Deployment>('POST', appPath(app, 'deployments', id, wish));
  if (json) output.json(one);
  else output.line(one.operation);
  output.note(`${id} of ${app} ${outcome}; \`tide ops wait ${one.operation}\` follows it.`);
  return EXIT.ok;
}

/** The deployment that is meant when none is named. */
async function running({ api }: Call, app: string): Promise<string> {
  const { items } = await api.list<Deployment>(appPath(app, 'deployments'));
  const open = items.filter((one) => one.ended_at === null);
  const begun = open.filter((one) => one.state !== 'queued');
  const [only, second] = begun.length > 0 ? begun : open;
  if (only === undefined) {
    throw new CommandFailure(`No deployment of ${app} runs.`, {
      exit: EXIT.notFound,
      fix: ['`tide deployments` lists those that have ended.'],
    });
  }
  if (second === undefined) return only.id;
  const ids = (begun.length > 0 ? begun : open).map((one) => `${one.id} (${movesText(one)})`).join(', ');
  throw usageFailure(`Several deployments of ${app} run, and none was named.`, [`Say which one: ${ids}.`]);
}
