/** Compose files that cannot be taken over, and those that want to do harm: refused, with the line that is at fault. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readCompose } from '#apps/compose/compose';

/** Of the first problem: where, and which. */
function refused(text: string, variables: Readonly<Record<string, string>> = {}): readonly unknown[] {
  const read = readCompose(text, { variables: new Map(Object.entries(variables)) });
  assert.ok('problems' in read, 'it was taken');
  const [first] = read.problems;
  assert.ok(first !== undefined && first.detail.length > 10);
  return [first.line, first.column, first.code];
}

const REFUSALS: readonly (readonly [what: string, lines: string, at: readonly unknown[]])[] = [
  ['a build without an image', ' web:\n  build: .', [3, 3, 'unsupported']],
  ['no image', ' web:\n  command: a', [2, 2, 'missing']],
  ['an unknown key', ' web:\n  image: a\n  enviroment: {}', [4, 3, 'unknown']],
  ['a file of variables', ' web:\n  image: a\n  env_file: .env', [4, 3, 'unsupported']],
  ['a path beside the file', ' web:\n  image: a\n  volumes:\n   - ./src:/src', [5, 6, 'unsupported']],
  ['a volume that is not declared', ' web:\n  image: a\n  volumes:\n   - data:/src', [5, 6, 'unknown']],
  ['a volume without a name', ' web:\n  image: a\n  volumes:\n   - /src', [5, 6, 'unsupported']],
  ['a range of ports', ' web:\n  image: a\n  ports: ["3000-3005:3000-3005"]', [4, 11, 'unsupported']],
  ['UDP', ' web:\n  image: a\n  ports: ["53:53/udp"]', [4, 11, 'unsupported']],
  ['a port that is none', ' web:\n  image: a\n  ports: ["99999:80"]', [4, 11, 'bad_value']],
  ['a dependency that is not there', ' web:\n  image: a\n  depends_on: [dv]\n db: {image: b}', [4, 16, 'unknown']],
  [
    'a dependency that ends',
    ' web:\n  image: a\n  depends_on:\n   db: {condition: service_completed_successfully}\n db: {image: b}',
    [5, 4, 'unsupported'],
  ],
  ['a circle', ' a:\n  image: a\n  depends_on: [b]\n b: {image: b, depends_on: [a]}', [4, 3, 'circular']],
  ['a name that no set can have', ' my_db:\n  image: a', [2, 2, 'bad_name']],
  ['the network of another service', ' web:\n  image: a\n  network_mode: service:db', [4, 17, 'unsupported']],
  ['one replica on each host', ' web:\n  image: a\n  deploy: {mode: global}', [4, 12, 'unsupported']],
  ['a time that is none', ' web:\n  image: a\n  stop_grace_period: soon', [4, 22, 'bad_value']],
  ['memory that is no size', ' web:\n  image: a\n  mem_limit: lots', [4, 14, 'bad_value']],
  ['a quote that is not closed', ' web:\n  image: a\n  command: echo "a', [4, 12, 'bad_value']],
  ['a variable that is needed', ` web:\n  image: a:\${TAG:?which}`, [3, 10, 'bad_variable']],
  ['a brace that is not closed', ` web:\n  image: a:\${TAG`, [3, 10, 'bad_variable']],
  ['a key twice', ' web:\n  image: a\n  image: b', [4, 3, 'repeated']],
  ['an anchor that is not there', ' web: *base', [2, 7, 'bad_yaml']],
  ['an alias to itself', ' web: &web\n  image: *web', [3, 10, 'bad_yaml']],
  ['a tag nobody knows', ' web:\n  image: !reset null', [3, 10, 'bad_yaml']],
  ['a map where a text belongs', ' web:\n  image: {a: b}', [3, 10, 'bad_value']],
  ['what ends its host', ' web:\n  image: a\n  oom_kill_disable: true', [4, 3, 'unsupported']],
];

suite('what cannot be taken over is refused with its line and column', () => {
  for (const [what, lines, at] of REFUSALS) {
    test(what, () => assert.deepEqual(refused(`services:\n${lines}\n`), at));
  }

  test('all of it at once, in the order of the lines', () => {
    const read = readCompose('services:\n a:\n  build: .\n b:\n  image: b\n  tmpfs: /x\n  ports: [x]\n', {
      variables: new Map(),
    });
    assert.ok('problems' in read);
    assert.deepEqual(
      read.problems.map(({ line }) => line),
      [3, 6, 7],
    );
  });
});

suite('a text that wants to do harm', () => {
  const lines = (count: number, line: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => line(i)).join('\n');
  const lol = lines(30, (i) => (i === 0 ? 'x-0: &a0 [x]' : `x-${i}: &a${i} [${`*a${i - 1},`.repeat(10)}]`));
  for (const [what, text, code] of [
    ['more than 1 MiB', `# ${'a'.repeat(1024 * 1024)}`, 'too_large'],
    ['deeper than anybody looks', '['.repeat(1_000_000), 'too_deep'],
    ['deep by its margin', lines(1300, (i) => `${' '.repeat(i)}a:`), 'too_deep'],
    ['more keys than a parser should see', lines(100_000, (i) => `x-${i}:`), 'too_large'],
    [
      'merges that multiply',
      `x-a: &a\n${lines(1000, (i) => ` k${i}: v`)}\nservices:\n${lines(1000, (i) => ` s${i}: {<<: *a}`)}`,
      'too_large',
    ],
    [
      'variables within variables',
      `services:\n a:\n  image: "${`\${A:-`.repeat(50)}${'}'.repeat(50)}"`,
      'bad_variable',
    ],
    ['two documents', 'services: {}\n---\nservices: {}', 'bad_yaml'],
    ['nothing', '', 'bad_value'],
    ['bytes', '\u0000\u0001', 'bad_value'],
    ['a list', '- a', 'bad_value'],
  ] as const) {
    test(`${what} is refused`, () => assert.equal(refused(text)[2], code));
  }

  test('aliases of aliases cost nothing until they are written out, which nobody does', () => {
    assert.ok('sets' in readCompose(`${lol}\nservices: {a: {image: a}}`, { variables: new Map() }));
    assert.equal(refused(`${lol}\nservices: {a: {image: a, command: *a29}}`)[2], 'bad_value');
  });
});
