/**
 * The composition root: reads the environment, starts Tidegate, and ends it on SIGINT or SIGTERM. Exit code 0 after an
 * orderly end, 1 when it could not start or broke.
 */
import { readFileSync } from 'node:fs';
import { parseConfig } from '#core/config';
import { ERRORS, isTidegateError, messageOf } from '#core/errors';
import { Tidegate } from './tidegate.ts';

/** Whoever asks a second time does not want to wait. */
const FORCED_EXIT = 1;

async function run(): Promise<void> {
  const config = parseConfig(process.env);
  const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as { version: string };
  const tidegate = new Tidegate({ config, version, writeLine: (line) => process.stdout.write(line) });
  let ending = false;
  const end = (signal: NodeJS.Signals): void => {
    if (ending) process.exit(FORCED_EXIT);
    ending = true;
    tidegate.close(signal).then(
      () => process.exit(0),
      (error) => fail(error),
    );
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  await tidegate.start();
}

function fail(error: unknown): never {
  const words = isTidegateError(error)
    ? `${error.message} (${error.code})\n  ${ERRORS[error.code].fix}`
    : messageOf(error);
  process.stderr.write(`tidegate: ${words}\n`);
  process.exit(1);
}

process.on('unhandledRejection', (reason) => fail(reason));
run().catch(fail);
