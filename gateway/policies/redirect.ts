/**
 * `tidegate.redirect.…`: where requests are sent instead of to the app. What is already there is served, so that a set can
 * hold a name and its other spellings without sending anybody round in circles.
 */
import type { RedirectPolicy } from '#core/edge-policy';
import type { RequestHead } from '../http1/request-head.ts';

const WWW = 'www.';

export class Redirect {
  readonly status: number;
  readonly #to: string | null;
  /** The hostname of `to`. */
  readonly #hostname: string;
  readonly #www: RedirectPolicy['www'];

  constructor(policy: RedirectPolicy) {
    this.status = Number(policy.status);
    this.#to = policy.to;
    this.#hostname = policy.to === null ? '' : new URL(policy.to).hostname;
    this.#www = policy.www;
  }

  /**
   * The address for Location, or null: the request stays.
   * @param secure the client's own connection is encrypted
   */
  locationFor(head: Pick<RequestHead, 'hostname' | 'port' | 'target'>, secure: boolean): string | null {
    const { hostname, port } = head;
    const target = head.target === '*' ? '/' : head.target;
    if (this.#to !== null) return hostname === this.#hostname ? null : this.#to + target;
    const name = this.#canonical(hostname);
    if (name === hostname) return null;
    return `${secure ? 'https' : 'http'}://${name}${port === 0 ? '' : `:${port}`}${target}`;
  }

  #canonical(hostname: string): string {
    const has = hostname.startsWith(WWW);
    if (this.#www === 'add') return has ? hostname : WWW + hostname;
    return has && hostname.indexOf('.', WWW.length) > 0 ? hostname.slice(WWW.length) : hostname;
  }
}
