/**
 * A place in the logs of an app: how far each of its sets was read, as one text that a client hands back
 * (`web:1204,worker:77`).
 */

/** By name of set. */
export type LogPosition = ReadonlyMap<string, number>;

const PART = /^([a-z][-a-z0-9]{0,39}):(\d{1,15})$/;

export function positionText(position: LogPosition): string {
  return Array.from(position, ([set, id]) => `${set}:${id}`).join(',');
}

/** Null: it is no such text. */
export function readPosition(text: string): LogPosition | null {
  const position = new Map<string, number>();
  for (const part of text === '' ? [] : text.split(',')) {
    const [, set, id] = PART.exec(part) ?? [];
    if (set === undefined) return null;
    position.set(set, Number(id));
  }
  return position;
}
