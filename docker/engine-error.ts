/**
 * What became of a call, in our words: every failure of dockerode or of the connection is one TidegateError.
 */
import { isTidegateError, messageOf, TidegateError } from '#core/errors';

/** What a proxy in front of an Engine says when the Engine itself is not there. */
const GATEWAY_STATUSES: readonly number[] = [502, 503, 504];

/**
 * The error to throw for a failed call.
 * @param call what was asked, such as `inspect 4f1c…`
 * @param isAboutOneContainer a 404 means that the container is gone; otherwise it is a refusal like any other
 */
export function engineError(error: unknown, call: string, isAboutOneContainer: boolean): TidegateError {
  if (isTidegateError(error)) return error;
  const status = property(error, 'statusCode');
  if (typeof status !== 'number') {
    return new TidegateError('engine.unreachable', `${call}: ${messageOf(error) || String(property(error, 'code'))}`, {
      cause: error,
    });
  }
  const words = property(property(error, 'json'), 'message');
  const said = typeof words === 'string' ? words : messageOf(error).trim();
  const options = { cause: error, detail: { status, said } };
  // A container that cannot start for want of a network is there all the same.
  const isGone = status === 404 && isAboutOneContainer && !/\bnetwork \S+ not found/i.test(said);
  if (isGone) return new TidegateError('engine.not_found', `${call}: ${said}`, options);
  if (GATEWAY_STATUSES.includes(status)) return new TidegateError('engine.unreachable', `${call}: ${said}`, options);
  return new TidegateError('engine.refused', `${call}: ${said}`, options);
}

/** Whether the Engine refused with this status. */
export function isRefusal(error: unknown, status: number): boolean {
  return isTidegateError(error, 'engine.refused') && error.detail.status === status;
}

/** Whether the Engine refused because it no longer (or not yet) speaks the version that we agreed on. */
export function isVersionRefusal(error: unknown): boolean {
  return isRefusal(error, 400) && isTidegateError(error) && /client version/i.test(String(error.detail.said));
}

export /** Null: the container is gone. */
async function orGone<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (isTidegateError(error, 'engine.not_found')) return null;
    throw error;
  }
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
