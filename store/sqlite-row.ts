/** Reads values out of rows: what is not what belongs there is a broken file, never a wrong answer. */
import type { SQLOutputValue } from 'node:sqlite';
import { TidegateError } from '#core/errors';

export type Row = Readonly<Record<string, SQLOutputValue>>;

export function text(value: SQLOutputValue | undefined): string {
  return typeof value === 'string' ? value : unexpected('text', value);
}

export function textOrNull(value: SQLOutputValue | undefined): string | null {
  return value === null ? null : text(value);
}

export function number(value: SQLOutputValue | undefined): number {
  return typeof value === 'number' ? value : unexpected('number', value);
}

export function numberOrNull(value: SQLOutputValue | undefined): number | null {
  return value === null ? null : number(value);
}

export function octets(value: SQLOutputValue | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : unexpected('blob', value);
}

/** @throws TidegateError `store.corrupt`, always */
export function unexpected(wanted: string, value: unknown): never {
  throw new TidegateError('store.corrupt', `a row holds ${String(value)} where a ${wanted} belongs`);
}
