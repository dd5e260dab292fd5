/**
 * A probe of the other direction: octets that a replica answers a request with, the clause they are about, and what a client
 * may be told. Behind every probe comes a request that has to get its own answer and nothing of the probe's.
 */

/**
 * `bad-gateway`: the gateway's own 502, perhaps behind informational answers. `cut`: an answer that cannot be taken for
 * complete. `passed`: an answer with this status, body and fields, complete.
 */
export type AnswerOutcome =
  | { readonly is: 'bad-gateway' }
  | { readonly is: 'cut' }
  | {
      readonly is: 'passed';
      readonly status: number;
      readonly body: string;
      /** `name: value`, name in lower case. */
      readonly with?: readonly string[];
      /** Names in lower case. */
      readonly without?: readonly string[];
      readonly trailers?: readonly string[];
      /** Statuses of the informational answers before it. */
      readonly informed?: readonly number[];
    };

export interface AnswerProbe {
  readonly clause: string;
  readonly name: string;
  readonly level: 'must' | 'ours';
  /** What the client asks. */
  readonly asks: 'GET' | 'HEAD' | 'POST' | 'websocket' | 'HTTP/1.0' | 'HTTP/1.0 keep-alive';
  /** Octets of the replica, as latin1 text; several parts leave at different times. */
  readonly octets: readonly string[];
  /** What the replica does with its connection behind them. */
  readonly after: 'stay' | 'end' | 'reset';
  readonly outcomes: readonly AnswerOutcome[];
}

export interface AnswerOptions {
  readonly asks?: AnswerProbe['asks'];
  readonly after?: AnswerProbe['after'];
}

/** Mark of octets that belong to no answer: it must never come before a client. */
export const STRAY = 'stray';

type Cases<T> = Readonly<Record<string, T>>;
type Passed = Omit<AnswerOutcome & { is: 'passed' }, 'is'>;

export function badGateway(clause: string, cases: Cases<string>, options: AnswerOptions = {}): AnswerProbe[] {
  return of(clause, cases, options, (octets) => ({ octets: [octets], outcomes: [{ is: 'bad-gateway' }] }));
}

export function cut(clause: string, cases: Cases<string>, options: AnswerOptions = {}): AnswerProbe[] {
  return of(clause, cases, options, (octets) => ({ octets: [octets], outcomes: [{ is: 'cut' }] }));
}

export function passed(
  clause: string,
  cases: Cases<readonly [octets: string | readonly string[], passed: Passed]>,
  options: AnswerOptions = {},
): AnswerProbe[] {
  return of(clause, cases, options, ([octets, outcome]) => ({
    octets: typeof octets === 'string' ? [octets] : octets,
    outcomes: [{ is: 'passed', ...outcome }],
  }));
}

/** Known to be stricter than the clause. */
export function ours(probes: readonly AnswerProbe[]): AnswerProbe[] {
  return probes.map((probe) => ({ ...probe, level: 'ours' }));
}

function of<T>(
  clause: string,
  cases: Cases<T>,
  options: AnswerOptions,
  make: (given: T) => Pick<AnswerProbe, 'octets' | 'outcomes'>,
): AnswerProbe[] {
  const { asks = 'GET', after = 'stay' } = options;
  return Object.entries(cases).map(([name, given]) => ({ clause, name, level: 'must', asks, after, ...make(given) }));
}
