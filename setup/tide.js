#!/usr/bin/env node
/** `tide`: the command line, run by the project's Node from wherever it is called. It has our streams, signals and exit code. */
import { existsSync, realpathSync } from 'node:fs';
import module from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { foreground } from './command.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NODE = path.join(ROOT, 'node_modules/.bin/node');
const PROGRAM = path.join(ROOT, 'cli/tide.ts');
/** Types are taken off and code is compiled once: a command is three times as quick to begin. */
const CACHE = process.env.NODE_COMPILE_CACHE ?? path.join(ROOT, 'node_modules/.cache/tide');

if (!existsSync(NODE)) {
  process.stderr.write(`error: Tidegate is not installed yet.\nfix: cd ${ROOT} && npm install\n`);
  process.exitCode = 1;
} else if (realpathSync(NODE) === realpathSync(process.execPath)) {
  module.enableCompileCache?.(CACHE);
  await import(pathToFileURL(PROGRAM).href);
} else {
  process.exitCode = await foreground(NODE, [PROGRAM, ...process.argv.slice(2)], {
    ...process.env,
    NODE_COMPILE_CACHE: CACHE,
  });
}
