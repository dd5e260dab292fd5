/** A case of the side-by-side benchmark: one kind of load, the candidates it is put on, and what is aimed at. */
import type { CandidateSpec } from './candidate.ts';

/** Figures of which goals are made. */
export type FigureName = 'cpuUs' | 'perSecond' | 'p99Ms';

/** A figure of ours in proportion to the same figure of another candidate. */
export interface ProportionGoal {
  readonly figure: FigureName;
  readonly of: string;
  readonly to: string;
  readonly bound: 'at most' | 'at least';
  readonly factor: number;
}

export interface ProxyCase {
  readonly name: string;
  readonly title: string;
  readonly connections: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Requests go round the hostnames of the candidate, instead of always to the same one. */
  readonly goesRound: boolean;
  readonly candidates: readonly CandidateSpec[];
  readonly goals: readonly ProportionGoal[];
}

export function atMost(figure: FigureName, of: string, factor: number, to: string): ProportionGoal {
  return { figure, of, to, bound: 'at most', factor };
}

export function atLeast(figure: FigureName, of: string, factor: number, to: string): ProportionGoal {
  return { figure, of, to, bound: 'at least', factor };
}
