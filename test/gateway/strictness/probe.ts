/**
 * A probe: octets that a client sends, the clause they are about, and the outcomes that clause allows. Behind every probe
 * goes a canary in the same write, so that whoever finds another end of the probe's message finds another request there.
 */

/** One request as it has to be seen by the replica; what is not given may be anything. */
export interface Wanted {
  readonly method: string;
  readonly target: string;
  /** Value of the one Host field. */
  readonly host?: string;
  readonly body?: string;
  /** Lines that have to be there, `name: value`, name in lower case. */
  readonly with?: readonly string[];
  /** Names in lower case that must not be there. */
  readonly without?: readonly string[];
  /** Trailers, a flat list of name, value, … */
  readonly trailers?: readonly string[];
}

/**
 * `refused`: one answer of the gateway's own, the connection closed, nothing forwarded. `answered`: one answer of the
 * gateway's own, nothing of the probe forwarded, the canary served or not. `served`: the replica sees exactly these requests,
 * then the canary unless the connection `closes`. `dropped`: no whole request is forwarded and no answer looks good.
 */
export type Outcome =
  | { readonly is: 'refused'; readonly status: readonly number[] }
  | { readonly is: 'answered'; readonly status: readonly number[] }
  | { readonly is: 'served'; readonly requests: readonly Wanted[]; readonly closes: boolean }
  | { readonly is: 'dropped' };

export interface Probe {
  readonly clause: string;
  readonly name: string;
  /** `must`: the clause leaves no choice. `ours`: stricter than it has to be. */
  readonly level: 'must' | 'ours';
  /** As latin1 text. */
  readonly octets: string;
  /** The client ends the connection behind it: no canary. */
  readonly ends?: boolean;
  readonly outcomes: readonly Outcome[];
}

export const CANARY: Wanted = { method: 'GET', target: '/canary', host: 'app.test', body: '' };
export const CANARY_OCTETS = 'GET /canary HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n';

export const HOST = 'Host: app.test\r\n';
const BAD: Outcome = { is: 'refused', status: [400] };

type Cases<T> = Readonly<Record<string, T>>;

/** Probes that have to be refused with 400, or with one of `status`. */
export function refused(clause: string, cases: Cases<string>, status: readonly number[] = [400]): Probe[] {
  return of(clause, cases, (octets) => ({ octets, outcomes: [{ is: 'refused', status }] }));
}

/** Probes that have to be served as one request, the connection going on. */
export function served(clause: string, cases: Cases<readonly [octets: string, wanted: Wanted]>): Probe[] {
  return of(clause, cases, ([octets, wanted]) => ({
    octets,
    outcomes: [{ is: 'served', requests: [wanted], closes: false }],
  }));
}

/** Probes after whose one request the connection ends. */
export function servedLast(clause: string, cases: Cases<readonly [octets: string, wanted: Wanted]>): Probe[] {
  return of(clause, cases, ([octets, wanted]) => ({
    octets,
    outcomes: [{ is: 'served', requests: [wanted], closes: true }],
  }));
}

/** Probes that may be refused, or else have to be served as this. */
export function either(clause: string, cases: Cases<readonly [octets: string, wanted: Wanted]>): Probe[] {
  return of(clause, cases, ([octets, wanted]) => ({
    octets,
    outcomes: [
      BAD,
      { is: 'served', requests: [wanted], closes: false },
      { is: 'served', requests: [wanted], closes: true },
    ],
  }));
}

/** Probes that the gateway answers by itself. */
export function answered(clause: string, status: readonly number[], cases: Cases<string>): Probe[] {
  return of(clause, cases, (octets) => ({ octets, outcomes: [{ is: 'answered', status }] }));
}

/** Probes whose client stops in the middle: nothing whole may arrive. */
export function dropped(clause: string, cases: Cases<string>): Probe[] {
  return of(clause, cases, (octets) => ({ octets, ends: true, outcomes: [{ is: 'dropped' }, BAD] }));
}

/** The same probes, known to be stricter than the clause. */
export function ours(probes: readonly Probe[]): Probe[] {
  return probes.map((probe) => ({ ...probe, level: 'ours' }));
}

function of<T>(
  clause: string,
  cases: Cases<T>,
  make: (given: T) => Pick<Probe, 'octets' | 'outcomes' | 'ends'>,
): Probe[] {
  return Object.entries(cases).map(([name, given]) => ({ clause, name, level: 'must', ...make(given) }));
}
