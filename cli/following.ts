/**
 * What a command does with an operation that it has begun: it says where the operation can be followed, or, with --wait,
 * follows it and ends as it ends: 0 in force, 7 not, 6 not yet.
 */
import { formatDuration } from '#core/duration';
import type { Deployment, DeploymentFault, Operation } from './app-answers.ts';
import { appPath, type Call } from './call.ts';
import type { CommandOption } from './command.ts';
import { CommandFailure } from './command-failure.ts';
import { evidenceLines, fixesOf, phaseText, whatServes } from './deployment-text.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { spanText } from './moments.ts';
import { isOver, operationPath, watchOperation } from './operation-watch.ts';

const LIMIT = '10m';
const LIMIT_MS = 600_000;

export const WAIT_OPTIONS: Readonly<Record<string, CommandOption>> = {
  wait: {
    type: 'string',
    value: 'DURATION',
    ifBare: LIMIT,
    summary: `Wait for its end: 0 in force, 7 not, 6 not within 90, 90s, 5m; ${LIMIT} when it says no more.`,
  },
  timeout: { type: 'string', value: 'DURATION', summary: 'How long --wait waits; it means --wait.' },
};

export interface FollowOptions {
  /** Of the time of its own that it takes beside the work: what the steps of a canary hold. */
  readonly holdMs?: number;
  /** Waited for also when --wait was not given. */
  readonly always?: boolean;
}

/**
 * Returns after the operation has begun, or with --wait as it ends.
 * @param begin called once what the command line says about waiting is understood; null: nothing has to be waited for
 * @throws CommandFailure when it comes to no good end
 */
export async function follow(
  call: Call,
  begin: () => Promise<Operation | null>,
  options: FollowOptions = {},
): Promise<ExitCode> {
  const { output, json } = call;
  const { holdMs = 0, always = false } = options;
  // A bare --wait knows nothing of what the steps hold.
  const asked = call.option('wait') === LIMIT ? null : call.duration('wait');
  const limitMs = call.duration('timeout') ?? asked ?? LIMIT_MS + holdMs;
  const begun = await begin();
  if (begun === null) return EXIT.ok;
  const isWaited = always || call.flag('wait') || call.flag('timeout');
  if (!isWaited && !isOver(begun)) {
    if (json) output.json(begun);
    else output.line(begun.id);
    output.note(`The ${begun.type} of ${begun.target} has begun; \`tide ops wait ${begun.id}\` follows it.`);
    return EXIT.ok;
  }
  return await concluded(call, await seenToItsEnd(call, begun, limitMs), limitMs);
}

async function seenToItsEnd(call: Call, begun: Operation, limitMs: number): Promise<Operation> {
  const { api, output, world } = call;
  const told: string[] = [];
  let lastUnderWay = '';
  const onLook = ({ steps: all, phase, state, progress }: Operation): void => {
    const steps = all.filter((one) => one.state !== 'running');
    const current = isOver({ state }) || phase === '' ? [] : [phase];
    const names = [...steps.map((one) => one.name), ...current];
    for (const [i, name] of names.entries()) {
      if (i < told.length) continue;
      // How many are done is known of now, not of what is over.
      const isNow = i === steps.length && progress.unit !== 'bytes' && progress.total > 1;
      output.note(`${phaseText(name)}${isNow ? ` (${progress.done} of ${progress.total} sets done)` : ''}`);
    }
    told.push(...names.slice(told.length));
    // Within a phase, such as a pull: told again whenever it has come further.
    const underWay = all.find((one) => one.state === 'running')?.name ?? '';
    if (underWay !== '' && underWay !== lastUnderWay) output.note(underWay);
    lastUnderWay = underWay;
  };
  onLook(begun);
  if (isOver(begun)) return begun;
  const onBreak = (message: string): void => output.note(`${message} The ${begun.type} goes on; asking again.`);
  try {
    const last = await watchOperation({ api, id: begun.id, world, limitMs, onLook, onBreak });
    return last ?? begun;
  } finally {
    if (world.interrupted.aborted) {
      output.note(`The ${begun.type} goes on: \`tide ops wait ${begun.id}\` follows it, \`tide ops cancel\` ends it.`);
    }
  }
}

async function concluded(call: Call, operation: Operation, limitMs: number): Promise<ExitCode> {
  const { output, json, world } = call;
  const { id, state, type, target, result, created_at, updated_at } = operation;
  if (world.interrupted.aborted) return EXIT.interrupted;
  if (json) output.json(operation);
  if (state === 'succeeded') {
    const took = spanText(Date.parse(updated_at) - Date.parse(created_at));
    output.note(`The ${type} of ${target} has succeeded${took === null ? '' : ` within ${took}`}.`);
    if (!json) for (const [set, revision] of Object.entries(result?.revisions ?? {})) output.line(`${set} ${revision}`);
    return EXIT.ok;
  }
  if (isOver(operation)) throw await failureOf(call, operation);
  const where = operation.phase === '' ? 'has not begun' : `is at ${phaseText(operation.phase)}`;
  throw new CommandFailure(`The ${type} of ${target} has not ended within ${formatDuration(limitMs)}: it ${where}.`, {
    exit: EXIT.timeout,
    details: ['It goes on.'],
    fix: [`\`tide ops wait ${id}\` follows it, \`tide ops cancel ${id}\` ends it.`],
  });
}

async function failureOf(call: Call, operation: Operation): Promise<CommandFailure> {
  const { type, target, state, phase, error } = operation;
  const deployment = await deploymentOf(call, operation);
  const exit = EXIT.unhealthy;
  const served = deployment === null ? [] : whatServes(deployment);
  if (error === null) {
    const why = phase === 'superseded' ? 'a newer one took its place' : `it was ${state}`;
    return new CommandFailure(`The ${type} of ${target} has not come into force: ${why}.`, { exit, details: served });
  }
  const { code, detail, data = {} } = error;
  const fault = deployment?.error ?? faultOf(code, detail, data);
  const where = fault.phase === '' ? '' : ` while ${fault.phase}`;
  return new CommandFailure(`The ${type} of ${target} failed${where}: ${detail} (${code})`, {
    exit,
    code,
    details: [...evidenceLines(fault), ...served],
    fix: fixesOf(fault, fault.set),
  });
}

function faultOf(code: string, detail: string, data: Partial<DeploymentFault>): DeploymentFault {
  const { set = '', phase = '', evidence = [] } = data;
  return { code, detail, set, phase, evidence };
}

/** Null: it is none, or cannot be had any more. */
async function deploymentOf({ api }: Call, { app, result }: Operation): Promise<Deployment | null> {
  const id = result?.deployment;
  if (app === null || id === undefined) return null;
  try {
    return await api.get<Deployment>(appPath(app, 'deployments', id));
  } catch (error) {
    if (error instanceof CommandFailure) return null;
    throw error;
  }
}

/** The operation that an answer names. */
export function operationOf({ api }: Call, id: string): Promise<Operation> {
  return api.get<Operation>(operationPath(id));
}
