/**
 * Where the lines of the access log go: standard output, or a file that is appended to. A reader that is too slow is told
 * on to the log, which then drops lines; a file that cannot be written costs one line in Tidegate's own log and nothing
 * else.
 */
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { systemClock } from '#core/clock';
import type { Config } from '#core/config';
import { messageOf } from '#core/errors';
import type { Log } from '#core/log';
import { AccessLog } from '#gateway/access-log';

/** Lines of a few seconds; a disk that is further behind does not catch up. */
const WAITING_MAX_BYTES = 4 * 1024 * 1024;

export interface OpenAccessLog {
  readonly log: AccessLog;
  /** Resolves when everything has been written. */
  readonly close: () => Promise<void>;
}

/** Null: the settings want none. */
export function openAccessLog(config: Pick<Config, 'accessLog' | 'accessLogSample'>, log: Log): OpenAccessLog | null {
  const target = config.accessLog;
  if (target === null) return null;
  const isFile = 'file' in target;
  const stream: Writable = isFile
    ? createWriteStream(target.file, { flags: 'a', mode: 0o640, highWaterMark: WAITING_MAX_BYTES })
    : process.stdout;
  let broken = false;
  const access = new AccessLog({
    write: (lines) => broken || stream.write(lines),
    sample: config.accessLogSample,
    wall: systemClock.wall,
    random: Math.random,
  });
  stream.on('drain', () => access.ready());
  if (isFile) {
    stream.on('error', (error) => {
      broken = true;
      access.ready();
      log.error('the access log cannot be written', { file: target.file, error: messageOf(error) });
    });
  }
  return {
    log: access,
    close: () => {
      access.flush();
      if (!isFile || broken) return Promise.resolve();
      return new Promise((resolve) => stream.end(() => resolve()));
    },
  };
}
