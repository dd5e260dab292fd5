/** Why a registry did not give an image. The Engine says it with words alone; these are our codes for them. */
import { type ErrorCode, TidegateError } from '#core/errors';
import { registryHostOf } from '#core/registry-host';
import type { RegistryAuth } from './host-engine.ts';
import type { ImageReference } from './image-reference.ts';

/** What the Engine (20.10 to 28) says, the first that fits counts. */
const WORDS: readonly (readonly [code: ErrorCode, words: RegExp])[] = [
  // "pull access denied …, repository does not exist or may require 'docker login'": registries hide the difference.
  ['image.auth', /unauthorized|authentication required|no basic auth|access denied|access .* is denied|forbidden/i],
  ['image.not_found', /manifest unknown|not found|name unknown|no such image|does not exist/i],
  [
    'image.unreachable',
    /dial (?:tcp|udp)|connection (?:refused|reset)|no such host|timeout|timed out|deadline exceeded|no route to host|\bEOF\b/i,
  ],
  ['image.tls', /x509|\btls\b|certificate|gave HTTP response to HTTPS/i],
];

export interface RegistryFailure {
  readonly reference: ImageReference;
  /** The words of the Engine. */
  readonly said: string;
  /** What the registry was shown; of it, the name alone is told. */
  readonly auth: RegistryAuth | null;
}

/** @param call what was asked, such as `pull shop:1` */
export function registryError(call: string, { reference, said, auth }: RegistryFailure): TidegateError {
  const words = said.replace(/^\(HTTP code \d+\) \w[\w ]* - /, '').trim();
  // A name may hold any of the words.
  const plain = words.replaceAll(reference.repository, '');
  const code = WORDS.find(([, pattern]) => pattern.test(plain))?.[0] ?? 'image.pull_failed';
  const host = registryHostOf(reference.repository);
  const shown = auth === null ? 'no credentials' : `the credentials of "${auth.username}"`;
  const who = code === 'image.auth' ? ` (${host} was shown ${shown})` : '';
  return new TidegateError(code, `${call}: ${words}${who}`, { detail: { said: words, registry: host } });
}
