/** Words on the command line: commands, options wherever they stand, and what is said about those that mean nothing. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { COMMON_OPTIONS, usageOf } from '#cli/command';
import { parseCommandLine } from '#cli/command-line';
import { COMMANDS } from '#cli/command-table';
import { helpText } from '#cli/help';

function parse(line: string) {
  return parseCommandLine(line.split(' ').filter(Boolean), COMMANDS);
}

function run(line: string) {
  const parsed = parse(line);
  assert.equal(parsed.kind, 'run', JSON.stringify(parsed));
  if (parsed.kind !== 'run') throw new Error('it runs');
  return { name: parsed.command.name, words: parsed.words, options: Object.fromEntries(parsed.options) };
}

function problem(line: string): string {
  const parsed = parse(line);
  return parsed.kind === 'wrong' ? parsed.problem : `${parsed.kind}`;
}

test('a command is found by its longest name, with options on both sides of it', () => {
  assert.deepEqual(run('routes'), { name: 'routes', words: [], options: {} });
  assert.deepEqual(run('routes resolve shop.test/cart'), {
    name: 'routes resolve',
    words: ['shop.test/cart'],
    options: {},
  });
  assert.deepEqual(run('--json -a shop scale web=3 worker=2 --min=1'), {
    name: 'scale',
    words: ['web=3', 'worker=2'],
    options: { json: true, app: 'shop', min: '1' },
  });
  assert.deepEqual(run('events -fa shop').options, { follow: true, app: 'shop' });
  assert.deepEqual(run('api POST /x --data -').options, { data: '-' });
  assert.deepEqual(run('routes resolve -- --odd').words, ['--odd']);
});

test('an option whose value may be left out takes it joined, loose, or not at all', () => {
  assert.equal(run('domains verify a.test --wait').options.wait, '10m');
  assert.equal(run('domains verify a.test --wait=30').options.wait, '30');
  assert.deepEqual(run('domains verify --wait 90s a.test'), {
    name: 'domains verify',
    words: ['a.test'],
    options: { wait: '90s' },
  });
  assert.deepEqual(run('domains verify --wait a.test').words, ['a.test']);
});

test('a letter is what it is to the command, and an option that may be repeated keeps all its values', () => {
  assert.deepEqual(run('deploy -f compose.yaml -a shop').options, { file: 'compose.yaml', app: 'shop' });
  assert.deepEqual(run('events -f').options, { follow: true });
  assert.deepEqual(run('deploy --var A=1 --var B=2').options, { var: ['A=1', 'B=2'] });
  assert.deepEqual(run('traffic set --sticky r2=1').words, ['r2=1']);
  assert.match(problem('deploy --var'), /--var needs a value/);
});

test('what means nothing is named, with what was perhaps meant', () => {
  assert.match(problem('domans ls'), /no command "domans".*Did you mean "domains"/);
  assert.match(problem('domains verfy a.test'), /no command "domains verfy".*Did you mean "verify"/);
  assert.match(problem('domains'), /add, ls, show, rm, verify, diagnose/);
  assert.match(problem('status --jsn'), /no option --jsn.*Did you mean --json/);
  assert.match(problem('events --pem'), /no option --pem/, 'an option of another command');
  assert.match(problem('domains add'), /HOST is missing/);
  assert.match(problem('certs import --cert a.pem'), /--key is missing: PEM/);
  assert.match(problem('whoami again'), /"again" is one argument too many/);
  assert.match(problem('status --app'), /--app needs a value: APP/);
  assert.match(problem('status --app --json'), /--app needs a value/);
  assert.match(problem('status --json=yes'), /--json takes no value/);
  assert.match(problem('status --constructor'), /no option --constructor/);
});

test('help is given about everything, a group, and one command, and asks for no arguments', () => {
  assert.deepEqual(parse(''), { kind: 'help', topic: [] });
  assert.deepEqual(parse('--help'), { kind: 'help', topic: [] });
  assert.deepEqual(parse('help domains'), { kind: 'help', topic: ['domains'] });
  assert.deepEqual(parse('domains add --help'), { kind: 'help', topic: ['domains', 'add'] });
  assert.deepEqual(parse('help certs import'), { kind: 'help', topic: ['certs', 'import'] });
  assert.match(problem('help domian'), /Did you mean "domains"/);
  assert.deepEqual(parse('--version'), { kind: 'version' });
});

test('help names every command, and of one command every argument and option with an example', () => {
  const overview = helpText([], COMMANDS);
  for (const command of COMMANDS) {
    assert.ok(overview.includes(`  ${command.name} `), command.name);
    const text = helpText(command.name.split(' '), COMMANDS);
    for (const { name } of command.arguments ?? []) assert.ok(text.includes(name), `${command.name}: ${name}`);
    for (const name of Object.keys({ ...command.options, ...COMMON_OPTIONS })) assert.ok(text.includes(`--${name}`));
    assert.ok(text.includes(command.example) && text.includes(usageOf(command)), command.name);
  }
});

test('every example in the table can be typed as it stands', () => {
  for (const { name, example } of COMMANDS) {
    const words = example.replace(/ [<>] .*/, '').match(/'[^']*'|\S+/g) ?? [];
    const parsed = parseCommandLine(
      words.slice(1).map((word) => word.replaceAll("'", '')),
      COMMANDS,
    );
    assert.equal(parsed.kind === 'run' ? parsed.command.name : JSON.stringify(parsed), name);
  }
});

test('an option that several commands have is of the same shape in all of them', () => {
  const seen = new Map<string, string>();
  for (const { name, options = {} } of COMMANDS) {
    for (const [option, { type, short }] of Object.entries(options)) {
      assert.ok(!Object.hasOwn(COMMON_OPTIONS, option), `${name} has --${option} of its own`);
      const shape = `${type} ${short}`;
      assert.equal(seen.get(option) ?? shape, shape, `--${option} of ${name}`);
      seen.set(option, shape);
    }
  }
});
