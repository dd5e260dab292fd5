/** The test Engine itself: it works, and leaves nothing behind. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { addressOf, type Hello, runHello } from '../support/hello.ts';
import { isAlive, listProcesses } from '../support/system-processes.ts';
import { until } from '../support/until.ts';

const SILENCE_MS = 100;
const SUPPORT = fileURLToPath(new URL('../support/', import.meta.url));

async function greeting(hello: Hello): Promise<{ app: string; hostname: string }> {
  const address = await addressOf(hello.container);
  const response = await until(() => fetch(`http://${address}:${hello.port}/`), { what: 'hello answers' });
  return (await response.json()) as { app: string; hostname: string };
}

/** What exists of an Engine on this machine: processes, network interfaces, mounts, control groups, its folder. */
function traces({ bridge, socketPath }: { bridge: string; socketPath: string }): string[] {
  const folder = path.dirname(socketPath);
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return [
    ...listProcesses().filter(({ pid, commandLine }) => pid !== process.pid && commandLine.includes(folder)),
    ...readdirSync('/sys/class/net').filter((name) => name === bridge),
    ...mounts.filter((line) => line.includes(`${folder}/`)),
    ...readdirSync('/sys/fs/cgroup').filter((name) => existsSync(`/sys/fs/cgroup/${name}/${bridge}`)),
    ...(existsSync(folder) ? [folder] : []),
  ].map((trace) => JSON.stringify(trace));
}

function freezerFile(bridge: string, id: string): { file: string; frozen: string } {
  const v1 = `/sys/fs/cgroup/freezer/${bridge}/${id}/freezer.state`;
  return existsSync(v1)
    ? { file: v1, frozen: 'FROZEN' }
    : { file: `/sys/fs/cgroup/${bridge}/${id}/cgroup.freeze`, frozen: '1' };
}

describe('a test Engine', () => {
  let engine: TestEngine;
  before(async () => {
    engine = await startTestEngine();
  });
  after(() => engine.close());

  test('runs the example app, which answers at its bridge address', async () => {
    const hello = await runHello(engine, {
      name: 'one',
      labels: { 'tidegate.app': 'one' },
      env: { STOP_DELAY_MS: '1' },
    });
    const { app, hostname } = await greeting(hello);
    assert.equal(app, 'hello');
    assert.equal(hostname, hello.id.slice(0, 12));
    const { Config } = await hello.container.inspect();
    assert.equal(Config.Labels['tidegate.app'], 'one');
  });

  test('creates a container without starting it when asked to', async () => {
    const hello = await runHello(engine, { name: 'asleep', start: false });
    assert.equal(hello.address, '');
    assert.equal((await hello.container.inspect()).State.Status, 'created');
  });

  test('is empty after a reset, also of containers that somebody froze and of user networks', async () => {
    await engine.docker.createNetwork({ Name: 'shop' });
    await runHello(engine, { name: 'networked', network: 'shop' });
    const frozen = await runHello(engine, { name: 'frozen' });
    await greeting(frozen);
    const { file, frozen: word } = freezerFile(engine.bridge, frozen.id);
    writeFileSync(file, word);
    await until(() => readFileSync(file, 'utf8').startsWith(word), { what: 'the container is frozen' });
    await engine.reset();
    assert.deepEqual(await engine.docker.listContainers({ all: true }), []);
    const networks = (await engine.docker.listNetworks()).map(({ Name }) => Name);
    assert.deepEqual(networks.sort(), ['bridge', 'host', 'none']);
  });

  test('starts again after SIGKILL, and knows its containers', async () => {
    const hello = await runHello(engine, { name: 'survivor' });
    const { pid } = engine;
    await engine.kill9();
    assert.equal(isAlive(pid), false);
    assert.throws(() => engine.pid);
    await engine.start();
    const known = (await engine.docker.listContainers({ all: true })).map(({ Id }) => Id);
    assert.ok(known.includes(hello.id));
  });

  test("leaves the bridge of the machine's own Engine alone, also when it starts again", async () => {
    const isTheirs = existsSync('/sys/class/net/docker0');
    if (!isTheirs) execFileSync('ip', ['link', 'add', 'docker0', 'type', 'bridge']);
    try {
      await engine.restart();
      assert.ok(existsSync('/sys/class/net/docker0'));
    } finally {
      if (!isTheirs) spawnSync('ip', ['link', 'delete', 'docker0']);
    }
  });

  test('can be frozen: it answers nothing, then everything', async () => {
    engine.signal('SIGSTOP');
    await until(() => /State:\s+T/.test(readFileSync(`/proc/${engine.pid}/status`, 'utf8')), {
      what: 'dockerd stands',
    });
    const ping = engine.docker.ping().then(() => 'answered');
    assert.equal(await Promise.race([ping, sleep(SILENCE_MS, 'silent')]), 'silent');
    engine.signal('SIGCONT');
    assert.equal(await ping, 'answered');
  });
});

describe('the end of a test Engine', () => {
  test('leaves no process, mount, bridge, control group or folder, whatever state it is in', async () => {
    const engine = await startTestEngine({ liveRestore: true });
    const network = await engine.docker.createNetwork({ Name: 'left-behind' });
    const networkBridge = `/sys/class/net/br-${network.id.slice(0, 12)}`;
    await runHello(engine, { name: 'left-behind', network: 'left-behind' });
    await engine.kill9();
    assert.notDeepEqual(traces(engine), []);
    assert.ok(existsSync(networkBridge));
    await engine.close();
    assert.deepEqual(traces(engine), []);
    assert.ok(!existsSync(networkBridge));
  });

  test('comes with the end of the process that started it, also by SIGKILL and while frozen', async () => {
    const script = `
      import { startTestEngine } from '${SUPPORT}engine.ts';
      import { runHello } from '${SUPPORT}hello.ts';
      const engine = await startTestEngine();
      await runHello(engine, { name: 'orphan' });
      engine.signal('SIGSTOP');
      process.stdout.write(JSON.stringify({ bridge: engine.bridge, socketPath: engine.socketPath }) + '\\n');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    for await (const chunk of child.stdout) {
      output += chunk;
      if (output.includes('\n')) break;
    }
    const started = JSON.parse(output) as { bridge: string; socketPath: string };
    assert.notDeepEqual(traces(started), []);
    child.kill('SIGKILL');
    await until(() => traces(started).length === 0, { what: 'nothing is left', timeoutMs: 60_000 });
  });
});
