/**
 * What the clients of one app notice while another is deployed over and over on the same host: its containers removed by
 * force and run anew. They should notice nothing: no WebSocket closed, no request failed. `--rounds` is the deploys.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runHello } from '../../test/support/hello.ts';
import { firstAnswer, Sampler } from '../client.ts';
import { Generators } from '../generators/generator.ts';
import { IdleClients, type Said } from '../generators/idle-clients.ts';
import type { Report } from '../report.ts';
import type { LoadContext, Scenario } from '../scenario.ts';
import { Stage } from '../stage.ts';
import { percentile, spread } from '../statistics.ts';
import { figureText } from '../table.ts';

const DEPLOYS = 20;
const SOCKETS = 1000;
const SAMPLE_MS = 5;
const TIMEOUT_MS = 30_000;
const POLL_MS = 20;
const CALM = 'calm';
const DEPLOYED = 'deployed';

interface Findings {
  readonly deploys: number;
  readonly opened: Said;
  readonly checked: Said;
  readonly times: readonly number[];
  readonly failures: readonly string[];
  /** Requests a second. */
  readonly rate: number;
}

export const neighbours: Scenario = {
  name: 'neighbours',
  title: 'An app while its neighbour is deployed',
  parts: [],
  run: runNeighbours,
};

async function runNeighbours({ options, progress, signal }: LoadContext): Promise<Report> {
  const deploys = options.rounds ?? DEPLOYS;
  const folder = mkdtempSync(path.join(tmpdir(), 'tidegate-load-'));
  try {
    progress('starting');
    await using stage = await Stage.open();
    const { engine, tidegate } = stage;
    const address = (app: string) => ({
      ...{ host: '127.0.0.1', port: tidegate.port, hostname: `${app}.localhost`, timeoutMs: TIMEOUT_MS },
    });
    const answered = (app: string) => firstAnswer({ ...address(app), everyMs: POLL_MS }, signal);
    await runHello(engine, { name: CALM });
    let { container } = await runHello(engine, { name: DEPLOYED });
    await answered(CALM);
    await answered(DEPLOYED);
    const file = await new Generators(folder).file('websockets');
    await using clients = new IdleClients(file, { ...address(CALM), connections: SOCKETS });
    const opened = await clients.next(signal);
    const sampler = new Sampler(address(CALM), SAMPLE_MS);
    try {
      for (let version = 1; version <= deploys; version++) {
        progress(`deploy ${version} of ${deploys}`);
        await container.remove({ force: true });
        ({ container } = await runHello(engine, { name: DEPLOYED, env: { VERSION: String(version) } }));
        await answered(DEPLOYED);
      }
    } finally {
      await sampler.stop();
    }
    const { rate } = sampler;
    clients.ask();
    const checked = await clients.next(signal);
    const { times, failures } = sampler;
    return { ...report({ deploys, opened, checked, times, failures, rate }), versions: await stage.versions() };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function report(found: Findings): Report {
  const { deploys, opened, checked, times, failures, rate } = found;
  const [p50, p99] = [percentile(times, 50), percentile(times, 99)];
  return {
    name: neighbours.name,
    title: neighbours.title,
    method: [
      `${deploys} times the container of one app was removed by force and run anew, each time until the app answered again.`,
      `Meanwhile ${SOCKETS} WebSockets to the other app were open, each of which carried a message in the end, and a request on a connection of its own went there every ${SAMPLE_MS} ms.`,
    ],
    tables: [
      {
        title: 'Requests to the app that is not deployed, ms',
        columns: ['', 'answers', '1/s', 'errors', 'p50', 'p99', 'max'],
        rows: [
          [
            'all the time',
            String(times.length),
            figureText(rate),
            String(failures.length),
            ...[p50, p99, spread(times).max].map(figureText),
          ],
        ],
      },
    ],
    goals: [
      {
        what: 'WebSockets open and echoing in the end',
        goal: String(SOCKETS),
        measured: `${checked.echoed}, ${checked.errors} errors, of ${opened.open}`,
        met: checked.echoed === SOCKETS && checked.errors === 0,
      },
      { what: 'failed requests', goal: '0', measured: String(failures.length), met: failures.length === 0 },
    ],
    chart: {
      title: `Answers while a neighbour is deployed ${deploys} times`,
      unit: 'ms',
      groups: [
        {
          label: 'requests',
          bars: [
            { label: 'p50', value: p50, range: null, isOurs: true, goal: null },
            { label: 'p99', value: p99, range: null, isOurs: true, goal: null },
          ],
        },
      ],
    },
    versions: {},
    data: found,
  };
}
