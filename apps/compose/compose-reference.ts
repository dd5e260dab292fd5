/** The reference of compose files for docs/compose.md, made of the tables that they are read by. */
import { LEFT_OUT, REFUSED, TAKEN } from './service-keys.ts';

const LEAD = `\`tide deploy -f compose.yaml --app shop --wait\` brings up an app as a compose file says (\`POST /v1/apps/{app}/compose\`;
with \`?dry_run=true\` it answers the sets it comes to). Services become sets of one container each, which come up one after
the other, each after those it depends on. A set that is as the file says already is not touched, and one that the file
does not name stays.

- What cannot be taken over is refused before anything is changed, all of it at once, with line and column. What is left
  out, or done in another way, is told in \`notes\`, by line. An unknown key is refused with the nearest name; keys that
  begin with \`x-\` are everybody's own.
- \`$NAME\`, \`\${NAME}\`, \`\${NAME:-default}\`, \`\${NAME:?why}\`, \`\${NAME:+instead}\` and the same without the colon are filled in
  from what is sent as \`variables\` (\`tide deploy --var NAME\`), never from the environment of the gateway; \`$$\` is a dollar
  sign. Anchors, aliases and merge keys work.
- A service has a hostname when one of its \`ports\` is served or a label gives it one. Without that, what writes to a
  volume is of class \`data\` (one replica, stopped before its successor starts) unless it is scaled or sleeps, and
  everything else is of class \`tool\`; a label \`tidegate.class\` goes before that. What has no port at all is in force once
  it has run on for a moment.
- A file has 1 MiB and some 5000 lines at most, and 100 services.`;

/** Markdown, without the note on where it comes from. */
export function composeReference(): string {
  const because = (reasons: Readonly<Record<string, string>>): readonly (readonly [string, string])[] =>
    Object.entries(reasons).map(([key, reason]) => [key, `${reason[0]?.toUpperCase()}${reason.slice(1)}.`]);
  return `${[
    '# Compose files',
    LEAD,
    '## What is taken of a service',
    table('meaning', Object.entries(TAKEN)),
    '## What is left out, with a note',
    table('why it is not missed', because(LEFT_OUT)),
    '## What is refused',
    table('what to do', because(REFUSED)),
  ].join('\n\n')}\n`;
}

function table(second: string, rows: readonly (readonly [string, string])[]): string {
  const lines = rows.map(([key, text]) => `| \`${key}\` | ${text.replaceAll('|', '\\|')} |`);
  return [`| key | ${second} |`, '| --- | --- |', ...lines].join('\n');
}
