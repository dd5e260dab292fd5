/**
 * How lines stand in a segment: one JSON value a line of the file. An array is a line of log, an object says who stands
 * behind a number from there on, and how far that container had been read when the segment began. So a segment is whole
 * in itself, and can be read with `jq`.
 */
import { LOG_KINDS, type LogDraft, type LogSource } from './log-line.ts';
import type { WindowRecord } from './resume-window.ts';

export interface SourceRecord {
  readonly source: number;
  readonly of: LogSource;
  readonly window: WindowRecord;
}

export interface LineRecord {
  readonly id: number;
  readonly source: number;
  readonly line: LogDraft;
}

export type LogRecord = LineRecord | SourceRecord;

export function isSource(record: LogRecord): record is SourceRecord {
  return 'of' in record;
}

export function sourceText(record: SourceRecord): string {
  return `${JSON.stringify(record)}\n`;
}

export function lineText(id: number, source: number, { at, stream, text, cut }: LogDraft): string {
  return `${JSON.stringify([id, at, source, LOG_KINDS.indexOf(stream), text, ...(cut ? [1] : [])])}\n`;
}

/** Null: the text is no record, as at the torn end of a file. */
export function readRecord(text: string): LogRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(value)) return isSourceRecord(value) ? value : null;
  const [id, at, source, kind, words, cut] = value as unknown[];
  const stream = typeof kind === 'number' ? LOG_KINDS[kind] : undefined;
  if (typeof id !== 'number' || typeof at !== 'string' || typeof source !== 'number') return null;
  if (stream === undefined || typeof words !== 'string') return null;
  return { id, source, line: { at, stream, text: words, cut: cut === 1 } };
}

function isSourceRecord(value: unknown): value is SourceRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { source, of, window } = value as Record<string, unknown>;
  return typeof source === 'number' && typeof of === 'object' && of !== null && typeof window === 'object';
}
