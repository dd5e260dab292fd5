/**
 * Which Engine API version to speak: the newest that both sides know. The Engine names its range at `/version`, which is
 * asked without a version of our own.
 */
import { TidegateError } from '#core/errors';

/** Oldest and newest version whose answers we read: Engine 20.10 to 28. */
export const OLDEST_API_VERSION = '1.41';
export const NEWEST_API_VERSION = '1.51';

/** The part of the Engine's `/version` answer that matters here. Engines of long ago do not name a minimum. */
export interface ApiRange {
  readonly ApiVersion: string;
  readonly MinAPIVersion?: string;
}

/**
 * The version to speak, such as `1.41`.
 * @throws TidegateError `engine.version` when the ranges do not meet, or the answer is none
 */
export function chooseApiVersion(answer: unknown): string {
  if (!isApiRange(answer)) throw new TidegateError('engine.version', 'the Engine does not say which API it speaks');
  const newest = older(answer.ApiVersion, NEWEST_API_VERSION);
  const least = answer.MinAPIVersion ?? OLDEST_API_VERSION;
  if (isOlder(newest, OLDEST_API_VERSION) || isOlder(newest, least)) {
    throw new TidegateError(
      'engine.version',
      `the Engine speaks API ${least} to ${answer.ApiVersion}, Tidegate ${OLDEST_API_VERSION} to ${NEWEST_API_VERSION}`,
      { detail: { oldest: least, newest: answer.ApiVersion } },
    );
  }
  return newest;
}

function older(a: string, b: string): string {
  return isOlder(a, b) ? a : b;
}

function isOlder(a: string, b: string): boolean {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number);
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number);
  return aMajor === bMajor ? aMinor < bMinor : aMajor < bMajor;
}

function isApiRange(answer: unknown): answer is ApiRange {
  if (typeof answer !== 'object' || answer === null) return false;
  const { ApiVersion, MinAPIVersion } = answer as Record<string, unknown>;
  return isVersion(ApiVersion) && (MinAPIVersion === undefined || MinAPIVersion === '' || isVersion(MinAPIVersion));
}

function isVersion(value: unknown): value is string {
  return typeof value === 'string' && /^\d+\.\d+$/.test(value);
}
