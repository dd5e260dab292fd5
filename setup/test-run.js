/**
 * Runs the test files under the right Node, in two passes and with one summary: what needs little goes side by side,
 * what starts Engines, browsers and loads (test/system) goes one file after the other.
 */
import { globSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const SYSTEM = 'test/system/';
const PASSES = [
  { isSystem: false, concurrency: 2, timeout: 300_000 },
  { isSystem: true, concurrency: 1, timeout: 900_000 },
];
const PATTERN_FLAG = '--test-name-pattern=';
/** The lines of node:test's summary, in its order; of each pass they are added up. */
const SUMMARY = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ([\d.]+)$/;

const args = process.argv.slice(2);
const testNamePatterns = args
  .filter((arg) => arg.startsWith(PATTERN_FLAG))
  .map((arg) => arg.slice(PATTERN_FLAG.length));
const wanted = args.filter((arg) => !arg.startsWith('-')).map((arg) => arg.replace(/^\.\//, ''));
const files = globSync('test/**/*.test.ts').sort();
const chosen = files.filter((file) => wanted.length === 0 || wanted.some((start) => file.startsWith(start)));

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => interrupted.abort());

if (chosen.length === 0) {
  process.stderr.write(`no test file begins with ${wanted.join(' or ') || 'test/'}\n`);
  process.exitCode = 1;
} else {
  await pipeline(Readable.from(bothPasses()), new spec(), process.stdout, { end: false });
}

/** The events of both passes as if they were of one. */
async function* bothPasses() {
  const totals = new Map();
  for (const { isSystem, ...options } of PASSES) {
    const passFiles = chosen.filter((file) => file.startsWith(SYSTEM) === isSystem);
    if (passFiles.length === 0 || interrupted.signal.aborted) continue;
    const patterns = testNamePatterns.length > 0 ? { testNamePatterns } : {};
    for await (const event of run({ ...options, ...patterns, files: passFiles, signal: interrupted.signal })) {
      const [, name, value] = (isOfTheRun(event) && SUMMARY.exec(event.data.message)) || [];
      if (name) totals.set(name, (totals.get(name) ?? 0) + Number(value));
      else if (event.type !== 'test:summary') yield event;
    }
  }
  for (const [name, value] of totals) yield diagnostic(`${name} ${value}`);
  const failed = (totals.get('fail') ?? 0) + (totals.get('cancelled') ?? 0);
  if (failed > 0 || interrupted.signal.aborted || !totals.get('tests')) process.exitCode = 1;
}

/**
 * Whether an event is about the whole run, not about one of its files.
 * @param {{ type: string, data: object }} event
 */
function isOfTheRun({ type, data }) {
  return type === 'test:diagnostic' && !('file' in data && data.file !== undefined);
}

/** @param {string} message */
function diagnostic(message) {
  return { type: 'test:diagnostic', data: { message, nesting: 0, level: 'info' } };
}
