/**
 * `npm run check`: types, style, dead code, and generated references that are up to date. `npm run fix` is the same with
 * `--fix`: it formats, and generates the references anew.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { command } from './command.js';
import { ensureDependencies, NODE, ROOT } from './dependencies.js';
import { progress } from './progress.js';
import { runSetup } from './run-setup.js';

const BIN = path.join(ROOT, 'node_modules/.bin');
const GENERATE = path.join(ROOT, 'docs/generate.ts');

await runSetup(async (args) => {
  const fixes = args.includes('--fix');
  await ensureDependencies();
  process.chdir(ROOT);
  const checks = [
    ['types', 'tsc', '--noEmit'],
    ['style', 'biome', 'check', '--error-on-warnings', ...(fixes ? ['--write'] : [])],
    ['dead code', 'knip', '--no-progress'],
    ...(existsSync(GENERATE) ? [['references', 'node', GENERATE, ...(fixes ? [] : ['--check'])]] : []),
  ];
  let failed = 0;
  for (const [title = '', program = '', ...rest] of checks) {
    const { ok, output } = await progress(`checking ${title}`, () => check(program, rest));
    process.stdout.write(ok ? `✔ ${title}\n` : `✖ ${title}\n${output.trim()}\n`);
    if (!ok) failed += 1;
  }
  return failed === 0 ? 0 : 1;
});

/** @param {string} program @param {readonly string[]} args */
function check(program, args) {
  // Tools with a `#!/usr/bin/env node` line must find the right Node.
  const env = { ...process.env, PATH: `${BIN}${path.delimiter}${process.env.PATH}` };
  return program === 'node' ? command(NODE, args, { env }) : command(path.join(BIN, program), args, { env });
}
