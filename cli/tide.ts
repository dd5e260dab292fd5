/**
 * The command line's composition root: the only file in cli/ that knows the process. It ends with the code of the command,
 * with 130 after Ctrl-C, and silently when nobody reads its output any more.
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { type Clock, systemClock } from '#core/clock';
import { EXIT } from './exit-codes.ts';
import { runTide } from './run-tide.ts';

/** Unlike those of a gateway, timers here are what the process waits for. */
const clock: Clock = {
  ...systemClock,
  after(delayMs, run) {
    const timeout = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timeout) };
  },
};

const interrupted = new AbortController();
// A second Ctrl-C ends it at once.
process.once('SIGINT', () => interrupted.abort());

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? EXIT.unread : EXIT.failed);
  });
}

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

process.exitCode = await runTide(process.argv.slice(2), {
  env: process.env,
  directory: process.cwd(),
  home: homedir(),
  version,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  fetch,
  clock,
  interrupted: interrupted.signal,
});
