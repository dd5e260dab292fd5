/** The upstreams of the side-by-side benchmark: nginx with answers from memory, on two ports, so that there is a choice. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { answers } from '../client.ts';
import type { Generators } from '../generators/generator.ts';
import { freePort, type Program, startProgram } from '../processes.ts';
import { nginxConfig } from './nginx-config.ts';

export const SMALL_BYTES = 1024;
export const BIG_PATH = '/64k';
const BIG_BYTES = 65_536;

export interface Upstreams {
  readonly ports: readonly number[];
  readonly program: Program;
}

/** WebSocket echoes, and `ok` for every other request: costs as little as an upstream can. */
export async function startEchoUpstreams(
  generators: Generators,
  cores: readonly number[],
  count = 2,
): Promise<Upstreams> {
  const ports: number[] = [];
  for (let i = 0; i < count; i++) ports.push(await freePort());
  const command = [await generators.file('echo-upstream'), ...ports.map(String)] as const;
  return { ports, program: await startProgram({ cores, command, isReady: () => allAnswer(ports) }) };
}

/** `GET /` answers with 1 KiB, `GET /64k` with 64 KiB. */
export async function startUpstreams(folder: string, cores: readonly number[]): Promise<Upstreams> {
  const ports = [await freePort(), await freePort()];
  const files = path.join(folder, 'files');
  mkdirSync(files);
  writeFileSync(path.join(files, BIG_PATH), 'x'.repeat(BIG_BYTES));
  const file = path.join(folder, 'nginx.conf');
  const config = nginxConfig(folder, [
    'sendfile on; tcp_nopush on; open_file_cache max=100;',
    `server { ${ports.map((port) => `listen 127.0.0.1:${port} backlog=4096;`).join(' ')} root ${files};`,
    `location = / { return 200 "${'x'.repeat(SMALL_BYTES)}"; } }`,
  ]);
  writeFileSync(file, config);
  const command = ['nginx', '-c', file] as const;
  return { ports, program: await startProgram({ cores, command, isReady: () => allAnswer(ports) }) };
}

async function allAnswer(ports: readonly number[]): Promise<boolean> {
  return (await Promise.all(ports.map((port) => answers(port, null)))).every(Boolean);
}
