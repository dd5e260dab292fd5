/**
 * Log port: one JSON object a line. Callers name what happened as a short sentence and pass the facts as fields;
 * `error` fields are unfolded into their message and code.
 */
import { isTidegateError } from './errors.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'off'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  with(fields: LogFields): Log;
}

interface LogOptions {
  readonly level: LogLevel;
  /** Takes one complete line, newline included. */
  readonly write: (line: string) => void;
  /** Milliseconds since the epoch. */
  readonly wall: () => number;
}

/** A logger that writes JSON lines: `{"at":"…","level":"info","msg":"…",…fields}`. */
export function jsonLog(options: LogOptions, bound: LogFields = {}): Log {
  const threshold = LOG_LEVELS.indexOf(options.level);
  const line = (level: LogLevel, message: string, fields: LogFields | undefined): void => {
    if (LOG_LEVELS.indexOf(level) < threshold) return;
    const record = { at: new Date(options.wall()).toISOString(), level, msg: message, ...bound, ...fields };
    options.write(`${written(record)}\n`);
  };
  return {
    debug: (message, fields) => line('debug', message, fields),
    info: (message, fields) => line('info', message, fields),
    warn: (message, fields) => line('warn', message, fields),
    error: (message, fields) => line('error', message, fields),
    with: (fields) => jsonLog(options, { ...bound, ...fields }),
  };
}

/** A logger that says nothing. */
export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  with: () => silentLog,
};

/** A line never costs its caller: fields that JSON cannot hold (circles, throwing getters) are named instead. */
function written(record: { at: string; level: LogLevel; msg: string }): string {
  try {
    return JSON.stringify(record, unfold);
  } catch {
    const { at, level, msg, ...fields } = record;
    return JSON.stringify({ at, level, msg, unwritable: Object.keys(fields) });
  }
}

function unfold(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (isTidegateError(value)) return { code: value.code, message: value.message, ...value.detail };
  if (value instanceof Error) return { message: value.message, name: value.name };
  return value;
}
