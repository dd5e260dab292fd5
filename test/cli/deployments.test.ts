/** Deployments that run or have ended: looked at, steered, and told of in words that can be acted on. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Evidence } from '#cli/app-answers';
import { evidenceLines, fixesOf, whatServes } from '#cli/deployment-text';
import { until } from '#test/support/until';
import { AppGround } from './app-ground.ts';
import { linesOf } from './tide-ground.ts';

/** Until the newest deployment is there. */
async function reaches(ground: AppGround, state: string): Promise<string> {
  return await until(async () => {
    const { items } = await ground.json<{ items: { id: string; state: string }[] }>('deployments');
    return items[0]?.state === state ? items[0].id : null;
  });
}

test('a canary is listed, paused, resumed and promoted without its id', async (t) => {
  const ground = await AppGround.deployed(t);
  const nothing = await ground.tide('promote');
  assert.equal(nothing.code, 3);
  assert.match(nothing.stderr, /No deployment of shop runs\.\nfix: `tide deployments`/);
  const begun = await ground.tide('deploy --image shop:2 --steps 10:1h,50:1h');
  const id = await reaches(ground, 'holding');
  assert.equal((await ground.tide('pause')).stdout, begun.stdout, 'it can be waited for');
  assert.match((await ground.tide('deployments')).stdout, /holding, paused +canary +web r1 → r2 /);
  const shown = await ground.tide(`deployments ${id}`);
  assert.equal(shown.code, 0);
  assert.match(shown.stdout, /state: +holding: watches the new revision\npaused: +yes; `tide resume`/);
  assert.match(shown.stdout, /steps: +10 % for 1h, 50 % for 1h\n/);
  assert.equal((await ground.tide(`resume ${id}`)).code, 0);
  assert.doesNotMatch((await ground.tide('deployments')).stdout, /paused/);
  const promoted = await ground.tide('promote');
  assert.equal(promoted.code, 0);
  assert.ok(promoted.stderr.startsWith(`${id} of shop takes over;`), promoted.stderr);
  assert.equal((await ground.tide(`ops wait ${begun.stdout.trim()}`)).stdout, 'web r2\n');
  assert.equal((await ground.tide(`promote ${id}`)).code, 5, 'it has ended');
});

test('one that is aborted ends with 7 wherever it is looked at', async (t) => {
  const ground = await AppGround.deployed(t);
  await ground.tide('deploy --image shop:2 --steps 10:1h');
  const id = await reaches(ground, 'holding');
  const aborted = await ground.tide('abort --json');
  assert.deepEqual([aborted.code, JSON.parse(aborted.stdout).id], [0, id]);
  await reaches(ground, 'rolled-back');
  const shown = await ground.tide(`deployments ${id}`);
  assert.equal(shown.code, 7);
  assert.match(shown.stdout, /It failed while holding: it was aborted by a person \(deployment\.aborted\)/);
  assert.match(shown.stdout, /web: r1 is in force, as before/);
  const list = await ground.tide('deployments');
  assert.match(linesOf(list.stdout)[1] ?? '', /rolled-back +canary +web r1 → r2 .* it was aborted by a person/);
});

test('operations are listed, shown and canceled', async (t) => {
  const ground = await AppGround.deployed(t);
  const begun = (await ground.tide('deploy --image shop:2 --steps 10:1h')).stdout.trim();
  await reaches(ground, 'holding');
  assert.match((await ground.tide('ops ls')).stdout, new RegExp(`${begun} +deployment +shop/web +running +holding`));
  const canceled = await ground.tide(`ops cancel ${begun}`);
  assert.match(canceled.stderr, /The deployment of shop\/web ends; `tide ops wait/);
  await reaches(ground, 'canceled');
  const shown = await ground.tide(`ops show ${begun}`);
  assert.equal(shown.code, 0);
  assert.match(shown.stdout, /state: +canceled\nsteps: +queued .*, holding .*\ndeployment: +dep_\w+\n/);
  const json = await ground.json<{ items: unknown[] }>('ops ls');
  assert.equal(json.items.length, 2);
  assert.deepEqual(await ground.json(`ops show ${begun}`), json.items[0]);
  assert.equal((await ground.tide(`ops cancel ${begun}`)).code, 5);
  assert.equal((await ground.tide('ops show opr_none')).code, 3);
});

const MEMBER = { name: 'main', status: 'exited', exit_code: 1, oom_killed: false, last_lines: [] };

function evidence(change: Partial<Evidence>, member: Partial<Evidence['members'][number]> = {}): Evidence {
  const members = [{ ...MEMBER, ...member }];
  return { replica: `local/${'a'.repeat(64)}`, phase: 'failed', members, listens: null, port: null, ...change };
}

test('a crash is told with its exit code, what that means, and the last lines', () => {
  const last_lines = Array.from({ length: 30 }, (_, i) => `line ${i}`);
  const lines = evidenceLines({ evidence: [evidence({}, { exit_code: 127, last_lines })] });
  assert.deepEqual(lines.slice(0, 4), [
    `Replica local/${'a'.repeat(18)} is failed.`,
    'main ended with exit code 127: its program is not there.',
    'The last 20 lines of main:',
    '| line 10',
  ]);
  assert.equal(lines.at(-1), '| line 29');
  const silent = evidenceLines({ evidence: [evidence({}, { exit_code: 3 })] });
  assert.deepEqual(silent.slice(1), ['main ended with exit code 3.', 'main has written nothing.']);
  assert.deepEqual(fixesOf({ code: 'replica.crashed', evidence: [evidence({})] }, 'web'), [
    'Put right what ends it, and deploy again.',
  ]);
});

test('too little memory is told as that, with the command that gives more', () => {
  const killed = evidence({}, { exit_code: 137, oom_killed: true });
  assert.match(evidenceLines({ evidence: [killed] })[1] ?? '', /more memory than it may have \(exit code 137\)/);
  assert.deepEqual(fixesOf({ code: 'replica.crashed', evidence: [killed, killed] }, 'web'), [
    'Give it more memory: tide resize web --memory SIZE',
  ]);
});

test('what listens elsewhere is told where, with what to do about it', () => {
  const running = { status: 'running', exit_code: 0 };
  const at = (listens: string[]): string[] => {
    const one = evidence({ phase: 'probing', listens, port: 8080 }, running);
    return [
      evidenceLines({ evidence: [one] }).at(-1) ?? '',
      ...fixesOf({ code: 'replica.not_ready', evidence: [one] }, 'web'),
    ];
  };
  assert.deepEqual(at(['3000']), [
    'It listens on 3000. Port 8080 was dialled.',
    'Make the port of the set 3000, or have it listen on 8080.',
  ]);
  assert.deepEqual(at(['127.0.0.1:8080']), [
    'It listens on 127.0.0.1:8080. Port 8080 was dialled.',
    'It listens on port 8080 for itself alone: have it listen on 0.0.0.0.',
  ]);
  assert.deepEqual(at([]), ['It listens on no port. Port 8080 was dialled.', 'Have it listen on 0.0.0.0:8080.']);
  assert.match(at(['8080'])[1] ?? '', /health\.path.*--ready-within/);
  const [, member] = evidenceLines({ evidence: [evidence({}, running)] });
  assert.equal(member, 'main is running.', 'an exit code of before its start is none');
});

test('what serves after it is told for every set', () => {
  const turn = { set: 'web', revision: 'r2', from: 'r1', step: 0, done: false };
  const later = { ...turn, revision: null, from: null };
  const sets = [
    { ...turn, set: 'db', done: true },
    turn,
    { ...turn, set: 'new', from: null },
    { ...later, set: 'last' },
  ];
  assert.deepEqual(whatServes({ sets, strategy: 'rolling', error: null }), [
    'db: its new revision was in force before that, and stays.',
    'web: r1 is in force, as before.',
    'new: no revision was in force before, so nothing answers.',
    'last: nothing was done to it yet, so it is as it was.',
  ]);
  const error = { code: 'image.not_found', detail: '', set: 'web', phase: 'resolving', evidence: [] };
  assert.deepEqual(whatServes({ sets: [{ ...later, set: 'web' }], strategy: 'rolling', error }), [
    'web: no revision was in force before, so nothing answers.',
  ]);
});
