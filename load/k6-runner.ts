/**
 * Runs a k6 script under Node where there is no k6: as much of k6 as the scripts in `load/k6/` use, with the same
 * meaning. Prints the summary as JSON; exits 99, as k6 does, when a threshold did not hold.
 *
 *     node load/k6-runner.ts load/k6/steady.js -e GATEWAY=http://127.0.0.1:8080 -e APP=hello
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { runScript } from './k6-runtime/script.ts';

const USAGE_CODE = 2;
const THRESHOLD_CODE = 99;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { env: { type: 'string', short: 'e', multiple: true, default: [] } },
});
const [file] = positionals;
if (file === undefined) {
  process.stderr.write('usage: k6-runner.ts <script> [-e NAME=value …]\n');
  process.exitCode = USAGE_CODE;
} else {
  const environment = Object.fromEntries(
    values.env.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort()).once('SIGTERM', () => interrupted.abort());
  const summary = await runScript(path.resolve(file), environment, interrupted.signal);
  process.stdout.write(`${JSON.stringify(summary, null, 1)}\n`);
  if (summary.thresholds.some(({ held }) => !held)) process.exitCode = THRESHOLD_CODE;
}
