/** Which lines somebody wants to see. Text is searched for as it stands: there is no pattern that could take for ever. */
import type { LogKind, LogLine } from './log-line.ts';
import type { Block } from './segment.ts';

export interface LogFilter {
  /** Name or id of a replica, or of its container, or the beginning of the latter; null: any. */
  readonly replica: string | null;
  readonly member: string | null;
  readonly stream: Exclude<LogKind, 'gap'> | null;
  /** As lines have it; null: from the first, to the last. */
  readonly since: string | null;
  readonly until: string | null;
  /** A text that stands in the line. */
  readonly grep: string | null;
  readonly ignoreCase: boolean;
}

export interface LineTest {
  /** Whether any line of the block can be meant, by its times. */
  readonly block: (block: Block) => boolean;
  /** Whether any can be meant, by its bytes. */
  readonly bytes: (bytes: Buffer) => boolean;
  readonly line: (line: LogLine) => boolean;
}

export function lineTest({ replica, member, stream, since, until, grep, ignoreCase }: LogFilter): LineTest {
  const wanted = grep === null ? '' : ignoreCase ? grep.toLowerCase() : grep;
  // Within a record the text is escaped, and so is what is looked for.
  const written = Buffer.from(JSON.stringify(wanted).slice(1, -1));
  return {
    block: ({ minAt, maxAt }) => (since === null || maxAt >= since) && (until === null || minAt <= until),
    bytes: (bytes) => wanted === '' || ignoreCase || bytes.includes(written) || bytes.includes(GAP_MARK),
    line: (line) => {
      const { at, source } = line;
      if ((since !== null && at < since) || (until !== null && at > until)) return false;
      if (member !== null && source.member !== member) return false;
      if (replica !== null && !isMeant(replica, line)) return false;
      if (line.stream === 'gap') return true;
      if (stream !== null && line.stream !== stream) return false;
      return wanted === '' || (ignoreCase ? line.text.toLowerCase() : line.text).includes(wanted);
    },
  };
}

/** What stands in the record of a gap behind the number of its source. */
const GAP_MARK = Buffer.from(',2,"');

const CONTAINER_PREFIX_MIN = 6;

function isMeant(word: string, { source: { replica, name, container } }: LogLine): boolean {
  if (word === replica || word === name) return true;
  return word.length >= CONTAINER_PREFIX_MIN && container.startsWith(word);
}
