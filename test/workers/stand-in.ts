/**
 * Stands in for control and workers beneath a real supervisor: reports what it waits for, answers with its process id, and
 * fails the way the file `mode` beside it wants. Copied to where a test may change that file.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';

interface Told {
  readonly type: string;
  readonly epoch?: number;
}

const [, , role, assignment = '{}'] = process.argv;
const mode = readFileSync(path.join(import.meta.dirname, 'mode'), 'utf8');
const { n, listeners } = JSON.parse(assignment) as { n: number; listeners: { http: { fd: number } } };
const report = (type: string, more: object = {}): void => void process.send?.({ type, ...more });
const server = createServer((_request, response) => {
  response.setHeader('connection', 'close');
  response.end(String(process.pid));
});
let hasListened = false;

process.on('disconnect', () => process.exit(1));
process.on('message', ({ type }: Told) => {
  if (type === 'ping') report('pong');
  else if (role === 'control') beControl(type);
  else beWorker(type);
});
if (mode === 'exit at boot' && role === 'worker' && n === 2) process.exit(3);
if (mode === 'worker fails') setTimeout(() => report('failed', { words: 'as it was told' }), 10);
else report('booted');

function beControl(order: string): void {
  if (order === 'begin' && mode === 'control fails') report('failed', { words: 'as it was told' });
  else if (order === 'begin') report('ready');
  else if (order === 'hand-over') setTimeout(() => report('handed-over'), 100);
  else if (order === 'end') process.exit(0);
}

function beWorker(order: string): void {
  if (mode === 'exit at hand-over' && n === 2) {
    if (order === 'control-gone') process.exit(4);
    return;
  }
  if (order === 'control-here' && !hasListened) {
    hasListened = true;
    server.listen({ fd: listeners.http.fd }, () => report('serving'));
  }
  if (order === 'drain') server.close(() => process.exit(0));
}
