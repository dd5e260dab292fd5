/**
 * DNS-01 by a webhook: whoever runs the zone's DNS puts a small program behind a URL, and Tidegate tells it which TXT value to
 * set and to clear. `POST {"action": "set" | "clear", "name", "value"}`; 2xx means that the authoritative side has it.
 */
import type { Clock } from '#core/clock';
import { messageOf } from '#core/errors';
import { pause } from '../pause.ts';
import type { DnsProvider } from './dns-provider.ts';

const CALL_MS = 30_000;
const TRIES = 3;
const AGAIN_MS = 1000;
const WORDS_MAX = 200;

export interface WebhookProviderOptions {
  readonly url: string;
  /** Sent as a bearer token; null: none. */
  readonly secret: string | null;
  readonly clock: Clock;
}

export class WebhookProvider implements DnsProvider {
  readonly name: string;
  readonly #options: WebhookProviderOptions;

  constructor(options: WebhookProviderOptions) {
    this.#options = options;
    this.name = `webhook at ${new URL(options.url).host}`;
  }

  set(name: string, value: string, signal: AbortSignal): Promise<void> {
    return this.#call({ action: 'set', name, value }, signal);
  }

  clear(name: string, value: string, signal: AbortSignal): Promise<void> {
    return this.#call({ action: 'clear', name, value }, signal);
  }

  /** @throws Error with what the webhook said, when it says no or has failed three times */
  async #call(body: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
    for (let tries = 1; ; tries++) {
      const fault = await this.#ask(body, signal);
      if (fault === null) return;
      if (!fault.isTheirs || tries === TRIES) throw new Error(`${this.name}: ${fault.words}`);
      await pause(this.#options.clock, AGAIN_MS * tries, signal);
    }
  }

  /** `isTheirs`: it may work the next time. Null: done. */
  async #ask(
    body: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<{ readonly isTheirs: boolean; readonly words: string } | null> {
    const { url, secret } = this.#options;
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(secret === null ? {} : { authorization: `Bearer ${secret}` }),
        },
        body: JSON.stringify(body),
        // A secret goes where it was meant to go.
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]),
      });
      const text = (await answer.text()).slice(0, WORDS_MAX);
      if (answer.ok) return null;
      // One that repeats what it was sent would give the secret away.
      const words = secret === null ? text : text.replaceAll(secret, '…');
      return { isTheirs: answer.status >= 500, words: `it answered ${answer.status} ${words}`.trim() };
    } catch (error) {
      signal.throwIfAborted();
      return { isTheirs: true, words: messageOf(error) };
    }
  }
}
