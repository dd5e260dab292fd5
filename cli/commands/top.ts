/** `top`: what the replicas of an app use now. */
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

const KIB = 1024;
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export const TOP_COMMANDS: readonly Command[] = [
  {
    name: 'top',
    summary: 'What the replicas of an app use now: processor, memory, disk and network.',
    notes: 'CPU is in percent of one core. Where a host is another machine nothing can be read.',
    example: 'tide top --app shop',
    run: top,
  },
];

interface Use {
  readonly cpu_percent: number;
  readonly throttled_percent: number;
  readonly memory_bytes: number;
  readonly memory_limit_bytes: number | null;
  readonly oom_kills: number;
  readonly pids: number;
  readonly read_bytes_per_second: number;
  readonly written_bytes_per_second: number;
  readonly received_bytes_per_second: number;
  readonly sent_bytes_per_second: number;
}

interface Used {
  readonly name: string;
  readonly use: Use | null;
  readonly unreadable: string | null;
}

interface Top {
  readonly items: readonly (Used & { readonly set: string; readonly members: readonly Used[] })[];
}

const HEAD = ['SET', 'REPLICA', 'CPU %', 'THROTTLED %', 'MEMORY', 'LIMIT', 'OOM', 'PIDS', 'DISK R/W', 'NET IN/OUT', ''];

async function top(call: Call): Promise<ExitCode> {
  const { api, output } = call;
  const answer = await api.get<Top>(`/v1/apps/${encodeURIComponent(await call.app())}/top`);
  if (call.json) output.json(answer);
  else if (answer.items.length === 0) output.note('There is no replica.');
  else {
    const rows = answer.items.flatMap(({ set, members, ...replica }) => [
      row(set, replica.name, replica),
      // One container that is all of a replica says nothing more.
      ...(members.length > 1 ? members.map((one) => row('', `  ${one.name}`, one)) : []),
    ]);
    output.table(HEAD, rows);
  }
  return EXIT.ok;
}

function row(set: string, name: string, { use, unreadable }: Used): string[] {
  if (use === null) return [set, name, ...HEAD.slice(3).map(() => '–'), unreadable ?? ''];
  return [
    set,
    name,
    use.cpu_percent.toFixed(1),
    use.throttled_percent.toFixed(1),
    size(use.memory_bytes),
    use.memory_limit_bytes === null ? '–' : size(use.memory_limit_bytes),
    String(use.oom_kills),
    String(use.pids),
    `${size(use.read_bytes_per_second)}/s ${size(use.written_bytes_per_second)}/s`,
    `${size(use.received_bytes_per_second)}/s ${size(use.sent_bytes_per_second)}/s`,
    '',
  ];
}

function size(bytes: number): string {
  const power = bytes < KIB ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / KIB ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[power]}`;
}
