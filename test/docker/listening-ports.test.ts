/** Where a program listens, from tables as the kernel writes them. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { listeningIn, readListeningPorts } from '#docker/listening-ports';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';

/** A line as the kernel writes it. */
function line(local: string, state = '0A'): string {
  const remote = local.replace(/[0-9A-F]/g, '0');
  return `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0`;
}

test('a port is open when anything listens on it beyond the loopback addresses', () => {
  const table = [
    HEAD,
    line('0100007F:0BB8'), // 127.0.0.1:3000
    line('00000000:1F90'), // 0.0.0.0:8080
    line('0100007F:1F90'), // 127.0.0.1:8080
    line('020012AC:0050'), // 172.18.0.2:80
    line('0B00007F:9C40'), // 127.0.0.11:40000, the Engine's name server
    line('00000000:1F91', '01'), // an open connection
    line('00000000000000000000000001000000:0BB9'), // [::1]:3001
    line('00000000000000000000000000000000:2328'), // [::]:9000
    line('0000000000000000FFFF00000100007F:0BBA'), // [::ffff:127.0.0.1]:3002
  ].join('\n');
  assert.deepEqual(listeningIn(table), [
    { port: 80, loopbackOnly: false },
    { port: 3000, loopbackOnly: true },
    { port: 3001, loopbackOnly: true },
    { port: 3002, loopbackOnly: true },
    { port: 8080, loopbackOnly: false },
    { port: 9000, loopbackOnly: false },
  ]);
});

test('only the tables of the very container are read', async () => {
  const proc = mkdtempSync(path.join(tmpdir(), 'tidegate-proc-'));
  const containerId = 'ab'.repeat(32);
  mkdirSync(path.join(proc, '7/net'), { recursive: true });
  writeFileSync(path.join(proc, '7/cgroup'), `4:memory:/docker/${containerId}\n`);
  writeFileSync(path.join(proc, '7/net/tcp'), `${HEAD}\n${line('00000000:1F90')}\n`);
  const open = [{ port: 8080, loopbackOnly: false }];
  assert.deepEqual(await readListeningPorts({ pid: 7, containerId }, proc), open);
  assert.equal(await readListeningPorts({ pid: 7, containerId: 'cd'.repeat(32) }, proc), null);
  assert.equal(await readListeningPorts({ pid: 8, containerId }, proc), null);
  assert.equal(await readListeningPorts({ pid: 0, containerId }, proc), null);
  rmSync(proc, { recursive: true });
});
