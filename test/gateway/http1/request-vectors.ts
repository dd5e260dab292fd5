/**
 * All request vectors. One table feeds the scanner's tests, the slow lane's, the split and mutation properties and the
 * comparison with Node's own parser.
 */
import { FIELDS, FRAMING, OPTIONS } from './request-field-vectors.ts';
import { HOST, LINE, TARGET } from './request-line-vectors.ts';
import type { RequestVector } from './request-vector.ts';

export const REQUEST_VECTORS: readonly RequestVector[] = [
  ...LINE,
  ...TARGET,
  ...HOST,
  ...FIELDS,
  ...FRAMING,
  ...OPTIONS,
];
