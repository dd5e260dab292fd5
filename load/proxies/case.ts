/** A case of the side-by-side benchmark: one kind of load, the candidates it is put on, and what is aimed at. */
import type { CandidateSpec } from './candidate.ts';

/** Requests over HTTP/1.1, by wrk. */
export interface PlainDrive {
  readonly kind: 'plain';
  readonly connections: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Requests go round the hostnames of the candidate, instead of always to the same one. */
  readonly goesRound: boolean;
}

/** Requests over TLS 1.3: on kept connections, or with a connection each, whose handshake is full or resumed. */
export interface TlsDrive {
  readonly kind: 'tls';
  readonly connections: number;
  readonly mode: 'kept' | 'full' | 'resumed';
}

/** Requests over HTTP/2 and TLS, by h2load. */
export interface H2Drive {
  readonly kind: 'h2';
  readonly connections: number;
  /** At a time, on each of them. */
  readonly streams: number;
}

/** Small WebSocket messages, each sent when the last is back. */
export interface MessageDrive {
  readonly kind: 'messages';
  readonly connections: number;
}

export type Drive = PlainDrive | TlsDrive | H2Drive | MessageDrive;

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
  readonly drive: Drive;
  /**
   * Each candidate shares as many cores as it has workers with its load and its upstreams, so that every worker has the
   * same company, however few cores there are; else the proxy has its core for itself.
   */
  readonly isShared: boolean;
  readonly candidates: readonly CandidateSpec[];
  readonly goals: readonly ProportionGoal[];
}

export function atMost(figure: FigureName, of: string, factor: number, to: string): ProportionGoal {
  return { figure, of, to, bound: 'at most', factor };
}

export function atLeast(figure: FigureName, of: string, factor: number, to: string): ProportionGoal {
  return { figure, of, to, bound: 'at least', factor };
}
