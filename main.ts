/**
 * The composition root: reads the environment and becomes what its arguments say. Without any it is Tidegate as a whole:
 * one process, or the supervisor of one control and the workers; `export` and `import` carry its state. SIGINT and SIGTERM end it: exit code 0 after an orderly
 * end, 1 when it could not start or broke. SIGUSR2 lets the version on disk take over.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { systemClock } from '#core/clock';
import { type Config, parseConfig } from '#core/config';
import { ERRORS, isTidegateError, messageOf } from '#core/errors';
import { jsonLog } from '#core/log';
import type { Role } from '#workers/child';
import type { Assignment, Order, Report } from '#workers/roles';

/** Whoever asks a second time does not want to wait. */
const FORCED_EXIT = 1;
const KEEP_ALIVE_MS = 86_400_000;

const writeLine = (line: string): void => void process.stdout.write(line);

async function run(): Promise<void> {
  const config = parseConfig(process.env);
  const [, , role, ...args] = process.argv;
  if (role === undefined) {
    const count = config.workers ?? availableParallelism();
    await (count === 0 ? runAlone(config) : supervise(config, count));
  } else if (role === 'export' || role === 'import') await transfer(role, config, args);
  else if (role === 'control' || role === 'worker') {
    await runChild(role, config, JSON.parse(args[0] ?? '') as Assignment);
  } else throw new Error(`unknown argument ${role}; there are: export FILE, import FILE [--replace]`);
}

async function transfer(direction: 'export' | 'import', config: Config, args: readonly string[]): Promise<void> {
  const { transferState } = await import('./state-transfer.ts');
  const tell = (line: string): void => void process.stderr.write(line);
  writeLine(`${await transferState(direction, { config, args, writeLine: tell })}\n`);
}

async function runAlone(config: Config): Promise<void> {
  const { Tidegate } = await import('./tidegate.ts');
  const tidegate = new Tidegate({ config, version: version(), writeLine, workers: null });
  endWith(
    (signal) => tidegate.close(signal),
    () => {},
  );
  process.on('SIGUSR2', () => say('one process cannot hand over to another: TIDEGATE_WORKERS is 0'));
  await tidegate.start();
}

async function supervise(config: Config, count: number): Promise<void> {
  const { Supervisor } = await import('#workers/supervisor');
  const log = jsonLog({ level: config.log, write: writeLine, wall: systemClock.wall });
  const supervisor = new Supervisor({
    ...{ config, count, log },
    clock: systemClock,
    program: import.meta.filename,
    onFailed: (words) => {
      supervisor.kill();
      say(words);
      process.exit(1);
    },
  });
  endWith(
    (signal) => supervisor.end(signal),
    () => supervisor.kill(),
  );
  process.on('SIGUSR2', () => supervisor.upgrade());
  // Also while every child is dead, and its successor has yet to be started.
  setInterval(() => {}, KEEP_ALIVE_MS);
  await supervisor.start();
}

/** A child lives by the orders of its supervisor; signals of the terminal are the supervisor's to follow. */
async function runChild(role: Role, config: Config, assignment: Assignment): Promise<void> {
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  process.on('SIGUSR2', () => {});
  process.on('disconnect', () => process.exit(1));
  const report = (report: Report): void => {
    if (process.connected) process.send?.(report, undefined, undefined, () => {});
  };
  const exit = (code: number): void => process.exit(code);
  let take: ((order: Order) => void) | null = null;
  const early: Order[] = [];
  process.on('message', (order: Order) => {
    if (order.type === 'ping') report({ type: 'pong' });
    else if (take === null) early.push(order);
    else take(order);
  });
  if (role === 'control') {
    const { Control } = await import('./control.ts');
    const control = new Control({ config, assignment, report, exit, writeLine, version: version() });
    take = (order) => control.take(order);
  } else {
    const { WorkerProcess } = await import('#workers/worker-process');
    const { openServing } = await import('./serving.ts');
    const clock = systemClock;
    const log = jsonLog({ level: config.log, write: writeLine, wall: clock.wall }, { worker: assignment.n });
    const open = async (parts: Parameters<ConstructorParameters<typeof WorkerProcess>[0]['open']>[0]) => {
      const serving = await openServing({ ...parts, config, clock, log }, assignment.listeners);
      return { ...serving, listen: async (): Promise<void> => void (await serving.listen()) };
    };
    const worker = new WorkerProcess({ clock, log, open, report, exit });
    take = (order) => worker.take(order);
  }
  for (const order of early) take(order);
}

/** @param force ends at once */
function endWith(close: (signal: NodeJS.Signals) => Promise<void>, force: () => void): void {
  let ending = false;
  const end = (signal: NodeJS.Signals): void => {
    if (ending) {
      force();
      process.exit(FORCED_EXIT);
    }
    ending = true;
    close(signal).then(
      () => process.exit(0),
      (error) => fail(error),
    );
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
}

function version(): string {
  const text = readFileSync(new URL('package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function say(words: string): void {
  process.stderr.write(`tidegate: ${words}\n`);
}

function fail(error: unknown): never {
  say(isTidegateError(error) ? `${error.message} (${error.code})\n  ${ERRORS[error.code].fix}` : messageOf(error));
  process.exit(1);
}

process.on('unhandledRejection', (reason) => fail(reason));
run().catch(fail);
