/**
 * What a certificate authority says when it does not do what was asked (RFC 8555 6.7), and what follows from that: when to
 * try again, whether it counts as a failed validation, whether another authority could do better.
 */

const NAMESPACE = 'urn:ietf:params:acme:error:';

/** Types that tell of the hostname, not of the authority: another one would say the same. */
const VALIDATION: ReadonlySet<string> = new Set(['caa', 'connection', 'dns', 'incorrectResponse', 'tls']);
/** The most that is believed of a Retry-After: what says more is broken, and would hold us for years. */
const BUSY_MAX_MS = 3_600_000;
const LIMITED_MAX_MS = 604_800_000;
const REFUSALS: ReadonlySet<string> = new Set(['rejectedIdentifier', 'unsupportedIdentifier', 'userActionRequired']);

const ACCOUNT_WORDS = /new orders|new-order|requests|accounts/i;

/** What the authority says, without names that it repeats and pages that it points at. */
function wordsOf(message: string): string {
  return message.replace(/"[^"]*"|https?:\S+/g, '');
}

export interface AcmeFaultOptions {
  /** Without the namespace: `rateLimited`, `unauthorized` …; `unreachable` where nothing answered. */
  readonly type: string;
  /** The authority's own words. */
  readonly detail: string;
  /** Of HTTP; 0: nothing answered. */
  readonly status: number;
  /** From Retry-After; null: it did not say. */
  readonly retryAfterMs: number | null;
  /** It came to see, and this is what it found. */
  readonly isVerdict?: boolean;
}

export class AcmeFault extends Error {
  readonly type: string;
  readonly status: number;
  readonly retryAfterMs: number | null;
  readonly #isVerdict: boolean;

  constructor({ type, detail, status, retryAfterMs, isVerdict = false }: AcmeFaultOptions, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause });
    this.name = 'AcmeFault';
    this.type = type;
    this.status = status;
    const most = status === 429 || type === 'rateLimited' ? LIMITED_MAX_MS : BUSY_MAX_MS;
    this.retryAfterMs = retryAfterMs === null ? null : Math.min(most, retryAfterMs);
    this.#isVerdict = isVerdict;
  }

  /** The authority came to see and did not like it: it counts these. */
  get isValidation(): boolean {
    // `unauthorized` is also said of an account that is none any more.
    return VALIDATION.has(this.type) || (this.#isVerdict && this.type === 'unauthorized');
  }

  /** The authority has had enough of us for now. */
  get isRateLimit(): boolean {
    return this.type === 'rateLimited' || this.status === 429;
  }

  /** It has had enough of the whole account, not of these names alone, whose limits are counted over all accounts. */
  get isAccountLimit(): boolean {
    return this.status === 503 || (this.isRateLimit && ACCOUNT_WORDS.test(wordsOf(this.message)));
  }

  /** Another authority may do what this one does not. */
  get isOfAuthority(): boolean {
    return (
      this.isRateLimit ||
      REFUSALS.has(this.type) ||
      (this.type === 'unauthorized' && !this.#isVerdict) ||
      this.status === 0 ||
      this.status >= 500 ||
      this.type === 'serverInternal'
    );
  }
}

/** A problem document, or what else stands in its place. */
export interface ProblemSource {
  readonly status: number;
  readonly data: unknown;
  readonly retryAfter: string | undefined;
  /** Unix time in ms. */
  readonly now: number;
}

export function faultOf({ status, data, retryAfter, now }: ProblemSource): AcmeFault {
  const problem = (typeof data === 'object' && data !== null ? data : {}) as { type?: unknown; detail?: unknown };
  const type = typeof problem.type === 'string' ? problem.type.replace(NAMESPACE, '') : 'serverInternal';
  const detail = typeof problem.detail === 'string' ? problem.detail : `the authority answered ${status}`;
  return new AcmeFault({ type, detail, status, retryAfterMs: retryAfterMs(retryAfter, now) });
}

/** RFC 9110 10.2.3: seconds, or a date. @param now Unix ms @returns null when it says nothing */
export function retryAfterMs(text: string | undefined, now: number): number | null {
  if (text === undefined) return null;
  const seconds = /^\d{1,9}$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(seconds) ? null : Math.max(0, seconds);
}
