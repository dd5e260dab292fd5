/** The frame of every set-up command: it ends with an exit code and, when something is missing, with one message. */
import { SetupError } from './setup-error.js';

/**
 * @param {(args: readonly string[]) => Promise<number>} work answers the code to exit with
 */
export async function runSetup(work) {
  try {
    process.exitCode = await work(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const command =
      error instanceof SetupError && error.command ? `\nRun this, then try again:\n\n  ${error.command}\n` : '';
    process.stderr.write(`\n${error.message}\n${command}`);
    process.exitCode = 1;
  }
}
