/** Deployments in words that can be acted on at 3 a.m.: where one is, why it failed, what serves now, what to do. */
import { ERRORS } from '#core/errors';
import type { Deployment, DeploymentFault, Evidence } from './app-answers.ts';

/** Of the lines that a container wrote last. */
const LINES_SHOWN = 20;

/** Host and the first 12 digits of a container's id are enough to find it. */
const REPLICA_CHARS = 24;

const PHASES: Readonly<Record<string, string>> = {
  queued: 'waits for its turn',
  resolving: 'looks for its images',
  creating: 'makes replicas',
  probing: 'waits until they are ready',
  shifting: 'moves the traffic',
  holding: 'watches the new revision',
  draining: 'lets the old replicas finish',
};

const EXITS: Readonly<Record<number, string>> = {
  0: 'it came to its end, as if it had nothing more to do',
  126: 'its program cannot be run',
  127: 'its program is not there',
  134: 'it gave up by itself (SIGABRT)',
  137: 'it was killed (SIGKILL)',
  139: 'it read memory that is not its own (SIGSEGV)',
  143: 'it was told to end (SIGTERM)',
};

const FIXES: Readonly<Record<string, string>> = {
  'replica.crashed': 'Put right what ends it, and deploy again.',
  'replica.not_ready': 'Look at health.path and port of the set, or give it longer: --ready-within 5m.',
  'canary.worse': '`tide logs` shows what the new revision wrote; put it right, and deploy again.',
};

/** `probing: waits until they are ready`. */
export function phaseText(phase: string): string {
  const words = PHASES[phase];
  return words === undefined ? phase : `${phase}: ${words}`;
}

/** What came to light about why it failed, a line each. */
export function evidenceLines({ evidence }: Pick<DeploymentFault, 'evidence'>): string[] {
  return evidence.flatMap((one) => [
    `Replica ${one.replica.slice(0, REPLICA_CHARS)} is ${one.phase}.`,
    ...memberLines(one),
    ...listenLines(one),
  ]);
}

function memberLines({ members }: Evidence): string[] {
  return members.flatMap(({ name, status, exit_code, oom_killed, last_lines }) => {
    const shown = last_lines.slice(-LINES_SHOWN);
    const said = shown.length === 0 ? `${name} has written nothing.` : `The last ${lines(shown.length)} of ${name}:`;
    return [`${name} ${endOf(status, exit_code, oom_killed)}.`, said, ...shown.map((line) => `| ${line}`)];
  });
}

function endOf(status: string, code: number | null, isOutOfMemory: boolean): string {
  if (isOutOfMemory) return `was killed because it wanted more memory than it may have (exit code ${code ?? '?'})`;
  // What is running has no exit code yet, whatever stands there.
  if (status === 'running') return 'is running';
  if (code === null) return `is ${status}`;
  const meaning = EXITS[code];
  return `ended with exit code ${code}${meaning === undefined ? '' : `: ${meaning}`}`;
}

/** Where it listens, beside where it was looked for. */
function listenLines({ listens, port }: Evidence): string[] {
  if (listens === null) return [];
  const dialled = port === null ? '' : ` Port ${port} was dialled.`;
  if (listens.length === 0) return [`It listens on no port.${dialled}`];
  return [`It listens on ${listens.join(', ')}.${dialled}`];
}

/** What to do about it, the likeliest first. */
export function fixesOf(fault: Pick<DeploymentFault, 'code' | 'evidence'>, set: string): string[] {
  const { code, evidence } = fault;
  const fixes = [...new Set(evidence.flatMap((one) => [...memoryFix(one, set), ...listenFix(one)]))];
  if (fixes.length > 0) return fixes;
  const known = FIXES[code] ?? (Object.hasOwn(ERRORS, code) ? ERRORS[code as keyof typeof ERRORS].fix : null);
  return known === null ? [] : [known];
}

function memoryFix({ members }: Evidence, set: string): string[] {
  return members.some((one) => one.oom_killed) ? [`Give it more memory: tide resize ${set} --memory SIZE`] : [];
}

function listenFix({ listens, port }: Evidence): string[] {
  if (listens === null || port === null || listens.includes(String(port))) return [];
  if (listens.includes(`127.0.0.1:${port}`)) {
    return [`It listens on port ${port} for itself alone: have it listen on 0.0.0.0.`];
  }
  const others = listens.filter((one) => !one.includes(':'));
  const [only] = others;
  if (only === undefined) return [`Have it listen on 0.0.0.0:${port}.`];
  return [`Make the port of the set ${others.join(' or ')}, or have it listen on ${port}.`];
}

/** What answers now that it has not come into force. */
export function whatServes({ sets, strategy, error }: Pick<Deployment, 'sets' | 'strategy' | 'error'>): string[] {
  return sets.map(({ set, from, revision, done }) => {
    if (done) return `${set}: its new revision was in force before that, and stays.`;
    const isBegun = revision !== null || from !== null || error?.set === set;
    if (!isBegun) return `${set}: nothing was done to it yet, so it is as it was.`;
    if (from === null) return `${set}: no revision was in force before, so nothing answers.`;
    const hint = strategy === 'member' ? '; containers that were replaced before that stay as they are' : '';
    return `${set}: ${from} is in force, as before${hint}.`;
  });
}

/** `web r1 → r2, worker r4`. */
export function movesText({ sets }: Pick<Deployment, 'sets'>): string {
  const move = ({ set, revision, from }: Deployment['sets'][number]): string => {
    const ends = [from, revision].filter((one) => one !== null);
    return [set, [...new Set(ends)].join(' → ')].filter((one) => one !== '').join(' ');
  };
  return sets.map(move).join(', ');
}

function lines(count: number): string {
  return count === 1 ? 'line' : `${count} lines`;
}
