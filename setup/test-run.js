/**
 * Runs the test files under the right Node, in two passes and with one summary: what needs little goes side by side,
 * what starts Engines, browsers and loads (test/system) goes one file after the other. A file or two that fail are run
 * once more, alone: what then passes was not the code but the machine, and is named as flaky for somebody to look at.
 */
import { globSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const SYSTEM = 'test/system/';
const SYSTEM_TIMEOUT_MS = 900_000;
const PASSES = [
  { isSystem: false, concurrency: 2, timeout: 300_000 },
  { isSystem: true, concurrency: 1, timeout: SYSTEM_TIMEOUT_MS },
];
/** More than that is no accident. */
const SECOND_CHANCES_MAX = 2;
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

/** The events of all passes as if they were of one. */
async function* bothPasses() {
  const totals = new Map();
  const failed = new Set();
  for (const { isSystem, ...options } of PASSES) {
    const passFiles = chosen.filter((file) => file.startsWith(SYSTEM) === isSystem);
    yield* onePass(passFiles, options, totals, failed);
  }
  if (failed.size > 0 && failed.size <= SECOND_CHANCES_MAX && !interrupted.signal.aborted) {
    yield* secondChance([...failed], totals);
  }
  for (const [name, value] of totals) yield diagnostic(`${name} ${value}`);
  const wrong = (totals.get('fail') ?? 0) + (totals.get('cancelled') ?? 0);
  if (wrong > 0 || interrupted.signal.aborted || !totals.get('tests')) process.exitCode = 1;
}

/**
 * @param {readonly string[]} files
 * @param {{ concurrency: number, timeout: number }} options
 * @param {Map<string, number>} totals added to
 * @param {Set<string>} failed files in which a test failed are added
 */
async function* onePass(files, options, totals, failed) {
  if (files.length === 0 || interrupted.signal.aborted) return;
  const patterns = testNamePatterns.length > 0 ? { testNamePatterns } : {};
  for await (const event of run({ ...options, ...patterns, files: [...files], signal: interrupted.signal })) {
    const [, name, value] = (isOfTheRun(event) && SUMMARY.exec(event.data.message)) || [];
    if (event.type === 'test:fail') failed.add(fileOf(event));
    if (name) totals.set(name, (totals.get(name) ?? 0) + Number(value));
    else if (event.type !== 'test:summary') yield event;
  }
}

/**
 * Runs files alone that failed among others. If all of them pass, their failures are taken back.
 * @param {readonly string[]} files
 * @param {Map<string, number>} totals
 */
async function* secondChance(files, totals) {
  const again = new Map();
  const failed = new Set();
  yield diagnostic(`once more, alone: ${files.join(', ')}`);
  yield* onePass(files, { concurrency: 1, timeout: SYSTEM_TIMEOUT_MS }, again, failed);
  if (failed.size > 0 || !again.get('tests')) return;
  yield diagnostic(`flaky, passed when run alone: ${files.join(', ')}`);
  const repeated = (totals.get('fail') ?? 0) + (totals.get('cancelled') ?? 0);
  totals.set('pass', (totals.get('pass') ?? 0) + repeated);
  totals.set('fail', 0);
  totals.set('cancelled', 0);
}

/**
 * Path of the file that an event is about, from the root of the project.
 * @param {{ data: { file?: string, name?: string } }} event
 */
function fileOf({ data }) {
  return path.relative(process.cwd(), data.file ?? path.resolve(data.name ?? ''));
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
