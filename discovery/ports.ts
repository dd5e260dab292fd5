/**
 * Which port of a container is its main one: the label's, else the only EXPOSEd one, else none. It is never guessed.
 */

import type { LabelReader } from './label-reader.ts';
import { LABELS } from './labels.ts';
import { orList } from './shape.ts';

/** Stands for a main port that will be known once the image is. */
export const PORT_TO_COME = 1;

/** The main port, or null when nothing names it for certain. */
export function mainPort(reader: LabelReader, exposed: readonly number[]): number | null {
  if (reader.given(LABELS.port) !== null) return reader.read(LABELS.port);
  return exposed.length === 1 ? (exposed[0] ?? null) : null;
}

/** Notes that a route needs a main port and the container has none. */
export function rejectMissingPort(reader: LabelReader, exposed: readonly number[]): void {
  if (reader.rejectedLabel(LABELS.port)) return;
  const expected =
    exposed.length === 0
      ? 'the port the container listens on, as none is EXPOSEd'
      : `one of the EXPOSEd ports ${orList(exposed.map(String))}, as none is guessed`;
  reader.reject(LABELS.port, { value: null, expected });
}
