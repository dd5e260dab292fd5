/**
 * `npm start`: from a fresh clone to Tidegate in the foreground, with the example app asleep behind it and the command
 * that wakes it on the screen. `--no-demo` leaves the example out.
 */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { addresses } from './addresses.js';
import { foreground } from './command.js';
import { DEMO, ensureDemo } from './demo.js';
import { ensureDependencies, NODE, ROOT } from './dependencies.js';
import { ensureEngine } from './engine.js';
import { runSetup } from './run-setup.js';

const POLL_MS = 100;
const ASK_MS = 2000;

await runSetup(async (args) => {
  const unknown = args.filter((arg) => arg !== '--no-demo');
  if (unknown.length > 0) throw new Error(`unknown argument ${unknown[0]}; there is one: --no-demo`);
  await ensureDependencies();
  const socketPath = await ensureEngine();
  const hasDemo = socketPath !== undefined && !args.includes('--no-demo') && (await ensureDemo(socketPath));
  const places = addresses(process.env);
  const isTaken = await isReady(places.admin); // by another Tidegate: ours will say so, and we say nothing in its name
  const ended = new AbortController();
  const code = foreground(NODE, [path.join(ROOT, 'main.ts')]).finally(() => ended.abort());
  if (!isTaken) announce(places, hasDemo, ended.signal).catch(() => {});
  return code;
});

/**
 * @param {import('./addresses.js').Addresses} places
 * @param {boolean} hasDemo
 * @param {AbortSignal} ended
 */
async function announce({ url, curl, secureUrl, caFile, baseDomain, admin, tokenFile }, hasDemo, ended) {
  while (!(await isReady(admin))) await sleep(POLL_MS, undefined, { signal: ended });
  if (ended.aborted) return;
  const hostname = `${DEMO}.${baseDomain}`;
  const rows = [
    ...(hasDemo ? [['example app', `${url(hostname)}   asleep until somebody asks for it`]] : []),
    ['your apps', `${url(`<app>.${baseDomain}`)}`],
    ...(secureUrl(baseDomain)
      ? [
          ['over TLS', `${secureUrl(hasDemo ? hostname : `<app>.${baseDomain}`)}`],
          ['to trust', caFile],
        ]
      : []),
    ['admin API', admin],
    ['its token', tokenFile],
  ];
  const table = rows.map(([name = '', value]) => `  ${name.padEnd(12)} ${value}`).join('\n');
  const wake = hasDemo && url(hostname) ? `\nWake the example:\n\n  ${curl(hostname)}\n` : '';
  process.stdout.write(`\nTidegate is ready. Ctrl-C drains and stops it.\n\n${table}\n${wake}\n`);
}

/** @param {string} admin */
async function isReady(admin) {
  try {
    return (await fetch(`${admin}/readyz`, { signal: AbortSignal.timeout(ASK_MS) })).ok;
  } catch {
    return false;
  }
}
