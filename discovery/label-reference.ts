/**
 * docs/labels.md, made from the table: what is written there is what is read.
 */

import { FOREIGN_LABELS } from './foreign-labels.ts';
import { type Label, type LabelScope, PREFIX } from './label.ts';
import { ALL_LABELS } from './labels.ts';
import { LINGER_MS } from './set-ledger.ts';

const SECTIONS: readonly (readonly [scope: LabelScope, title: string, cost: string])[] = [
  [
    'container',
    'Identity',
    'With a bad value the container is left out, for nobody knows whose it is: neither its routes nor itself are served.',
  ],
  ['route', 'Routes', 'A bad value costs that one route: it keeps its last good form, and the others are untouched.'],
  [
    'replica',
    'The container as a replica',
    'With a bad value the container takes no requests, and its policy is not followed. The other replicas serve on.',
  ],
  [
    'set',
    'Policy of the set',
    'With a bad value the set keeps the last good policy: that of the newest container whose labels are good, else the one known before. The container itself serves. A set that never had a good policy is not served.',
  ],
];

const INTRODUCTION = `# Labels

Made from \`discovery/labels.ts\`; do not edit.

All labels begin with \`${PREFIX}\`. A blank value is as good as none. Durations are written \`250ms\`, \`30s\`, \`5m\`, \`1h\`,
\`7d\`; sizes \`512k\`, \`10m\`, \`1g\` (powers of 1024); yes and no \`true\` and \`false\` (also \`yes\`, \`on\`, \`1\`, \`no\`, \`off\`,
\`0\`).

- Containers equal in tenant, app and set are replicas of one set. The newest of them speaks for the set: its policy and
  its routes hold for all. Weight, revision, network and port are each container's own.
- A bad value is reported as the event \`label.rejected\`, whose text names the label, the value, what was expected and the
  nearest good value. What it costs stands above each table. It never harms another route, set, app or tenant.
- A label that begins with \`${PREFIX}\` and is not in these tables is reported as \`label.unknown\` with the nearest name.
- Of two sets that claim one hostname and path the first keeps it; the other is reported as \`route.conflict\`.
- Stopped and paused containers keep their routes. When the last container of a set is removed, the routes stay for
  ${LINGER_MS / 1000} s: a recreated container finds its requests waiting.
- A container without any port to dial (no \`tidegate.port\`, nothing or several ports EXPOSEd) still forms a set, so that
  others can depend on it. Give it \`tidegate.class=tool\` or \`data\` if it is not to have a route at all.
- A user for \`tidegate.auth.basic\` is made with \`htpasswd -nbB <user> <password>\`, or, with scrypt, by
  \`node -e 'const c=require("crypto"),s=c.randomBytes(16),b=x=>x.toString("base64").replace(/=/g,"");console.log(process.argv[1]+":$scrypt$ln=14,r=8,p=1$"+b(s)+"$"+b(c.scryptSync(process.argv[2],s,32)))' <user> <password>\`.
  In a compose file every \`$\` is written twice.
`;

/** The whole of docs/labels.md. */
export function labelReference(): string {
  const sections = SECTIONS.map(([scope, title, cost]) => {
    const labels = ALL_LABELS.filter((one) => one.scope === scope && !one.internal);
    return `## ${title}\n\n${cost}\n\n${table(labels)}`;
  });
  const internal = ALL_LABELS.filter((one) => one.internal);
  return [
    INTRODUCTION,
    ...sections,
    `## Written by Tidegate\n\nNot for people to set.\n\n${table(internal)}`,
    `## Labels of compose that are read\n\n${foreignTable()}`,
  ].join('\n');
}

function table(labels: readonly Label[]): string {
  const rows = labels.map((label) => {
    const holds = label.default === null ? (label.otherwise ?? 'none') : `\`${label.default}\``;
    return [`\`${label.name}\``, escaped(label.shape.expected), holds, label.meaning, `\`${label.example}\``];
  });
  return markdown(['label', 'value', 'default', 'meaning', 'example'], rows);
}

function foreignTable(): string {
  return markdown(
    ['label', 'meaning'],
    Object.values(FOREIGN_LABELS).map((label) => [`\`${label.name}\``, label.meaning]),
  );
}

/** Words that hold `<name>` or `*.name` outside of code. */
function escaped(words: string): string {
  return words.replace(/[<*]/g, '\\$&');
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return `${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`;
}
