/**
 * What can be seen of a container from outside when it does not do what it should: its last words, and where it listens.
 */
import type { Clock } from '#core/clock';
import { TidegateError } from '#core/errors';
import type { Containers } from './containers.ts';
import type { ListeningPort } from './host-engine.ts';
import { containerFrom } from './inspect.ts';
import { readListeningPorts } from './listening-ports.ts';
import type { EngineLogLine } from './log-lines.ts';
import type { Logs } from './logs.ts';
import type { Replicas } from './replicas.ts';

const LOGS_MS = 10_000;
const LONGEST_LINE_BYTES = 2048;

export interface ContainerSightOptions {
  readonly clock: Clock;
  readonly containers: Containers;
  readonly logs: Logs;
  readonly replicas: Replicas;
  /** Null: the Engine is on another machine. */
  readonly procRoot: string | null;
}

export class ContainerSight {
  readonly #options: ContainerSightOptions;

  constructor(options: ContainerSightOptions) {
    this.#options = options;
  }

  /** As in {@link HostEngine.listeningPorts}. */
  async listeningPorts(id: string): Promise<readonly ListeningPort[] | null> {
    const { containers, procRoot } = this.#options;
    if (procRoot === null) return null;
    const { id: containerId, pid } = containerFrom(await containers.inspect(id));
    return readListeningPorts({ containerId, pid }, procRoot);
  }

  /** As in {@link HostEngine.lastLogs}. */
  async lastLogs(id: string, lines: number): Promise<readonly string[]> {
    const { clock, logs, replicas } = this.#options;
    const main = await replicas.mainOf(id);
    const late = new AbortController();
    const timer = clock.after(LOGS_MS, () => {
      late.abort(new TidegateError('engine.timeout', `logs ${main}: not read within ${LOGS_MS} ms`));
    });
    try {
      const read: EngineLogLine[] = [];
      const options = { since: null, tail: lines, follow: false, signal: late.signal };
      for await (const batch of await logs.open(main, options)) read.push(...batch.lines);
      // The Engine keeps the two outputs in order, but not with each other.
      const ordered = read.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
      return ordered.slice(-lines).map(({ text }) => cutBytes(text, LONGEST_LINE_BYTES));
    } finally {
      timer.cancel();
    }
  }
}

/** At most so many bytes of a text, never a part of a character. */
function cutBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let end = maxBytes;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end).toString('utf8');
}
