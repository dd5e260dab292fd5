/**
 * Writes the references that are made from tables in the code: settings, labels, errors, events, the API and the command
 * line. With `--check` nothing is written; it fails when a file is not what the code says.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { apiReference } from '#admin/api-reference';
import { composeReference } from '#apps/compose/compose-reference';
import { cliReference } from '#cli/reference';
import { ERRORS } from '#core/errors';
import { EVENT_TYPES } from '#core/event';
import { SETTINGS } from '#core/settings';
import { labelReference } from '#discovery/label-reference';
import { GATEWAY_ERRORS } from '#gateway/error-answer';

const MADE = '<!-- Made by docs/generate.ts from the code; change it there and run `npm run fix`. -->';

function settingsReference(): string {
  const rows = SETTINGS.map(({ name, meaning, default: fallback }) => [
    `\`${name}\``,
    fallback === null ? '–' : `\`${fallback}\``,
    meaning,
  ]);
  return page(
    'Settings',
    'Read from the environment at the start. All problems are reported at once; an unknown `TIDEGATE_…` name is an error.',
    [table(['name', 'default', 'meaning'], rows)],
  );
}

function errorReference(): string {
  const rows = Object.entries(ERRORS).map(([code, { meaning, fix }]) => [`\`${code}\``, meaning, fix]);
  const answers = Object.entries(GATEWAY_ERRORS).map(([code, { status, explanation, fix }]) => [
    `\`${code}\``,
    String(status),
    explanation,
    fix,
  ]);
  return page('Errors', "Codes as they stand in log lines and events, and in the gateway's own answers.", [
    table(['code', 'meaning', 'what to do'], rows),
    '## Answers of the gateway',
    'The code stands in the header `X-Tidegate-Error`.',
    table(['code', 'status', 'what the visitor reads', 'what the operator does'], answers),
  ]);
}

function eventReference(): string {
  const rows = Object.entries(EVENT_TYPES).map(([type, meaning]) => [`\`${type}\``, meaning]);
  return page('Events', 'What `GET /v1/events` tells, as a list or as a stream.', [table(['type', 'meaning'], rows)]);
}

function page(title: string, lead: string, parts: readonly string[]): string {
  return `${[MADE, `# ${title}`, lead, ...parts].join('\n\n')}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const references: Readonly<Record<string, () => string | Promise<string>>> = {
  'cli.md': () => `${MADE}\n\n${cliReference()}`,
  'compose.md': () => `${MADE}\n\n${composeReference()}`,
  'config.md': settingsReference,
  'errors.md': errorReference,
  'events.md': eventReference,
  'labels.md': labelReference,
  'openapi.json': apiReference,
};

const check = process.argv.includes('--check');
let stale = 0;
for (const [name, make] of Object.entries(references)) {
  const file = path.join(import.meta.dirname, name);
  const text = await make();
  if (readOrEmpty(file) === text) continue;
  if (!check) writeFileSync(file, text);
  else process.stderr.write(`docs/${name} is not what the code says: run \`npm run fix\`\n`);
  stale++;
}
if (check && stale > 0) process.exitCode = 1;

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
