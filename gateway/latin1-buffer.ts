/**
 * The calls beneath Buffer's own `toString` and `write` for latin1, which do not look at their arguments first: for paths
 * that every request takes and where the bounds are known.
 */
export interface Latin1Buffer extends Buffer {
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, offset: number): number;
}
