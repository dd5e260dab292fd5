/**
 * The one error registry. Every failure that crosses a folder carries a code from here, so that an operator can look it
 * up in docs/errors.md (generated from this table) and a program can branch on it.
 */

export interface ErrorEntry {
  /** What went wrong, in words for an operator. */
  readonly meaning: string;
  /** What to do about it. */
  readonly fix: string;
}

export const ERRORS = {
  'config.invalid': {
    meaning: 'One or more TIDEGATE_… settings cannot be used.',
    fix: 'Correct every setting the message lists; docs/config.md names shapes and defaults.',
  },
  'engine.unreachable': {
    meaning: 'The Docker Engine does not answer on its endpoint.',
    fix: 'Check that dockerd runs and that TIDEGATE_DOCKER points at its socket.',
  },
  'engine.timeout': {
    meaning: 'The Docker Engine took a call but did not answer within the deadline.',
    fix: 'The Engine hangs or is overloaded; Tidegate serves what it knows and asks again.',
  },
  'engine.breaker_open': {
    meaning: 'Calls to this host are held back because the last ones failed.',
    fix: 'Nothing: one trial call is made every few seconds and closes the breaker when it succeeds.',
  },
  'engine.refused': {
    meaning: 'The Docker Engine answered a call with an error.',
    fix: 'Read the detail: it holds the words of the Engine.',
  },
  'engine.not_found': {
    meaning: 'The container is not there any more.',
    fix: 'Nothing: discovery follows the Engine and drops it.',
  },
  'engine.version': {
    meaning: 'The Engine speaks no API version in common with Tidegate.',
    fix: 'Use an Engine whose API range overlaps 1.41 to 1.51.',
  },
  'engine.not_ours': {
    meaning: 'An action was asked for on a container that does not carry Tidegate labels.',
    fix: 'Label the container with tidegate.enable=true if Tidegate is to act on it.',
  },
  'image.not_found': {
    meaning: 'An image is neither on the host nor in its registry.',
    fix: 'Check name and tag; with pull policy never, load the image on the host first.',
  },
  'image.auth': {
    meaning: 'The registry does not let the tenant have an image: without credentials, or with those it has.',
    fix: 'Check the name; `tide registries login HOST` keeps the credentials of a private registry, or better ones.',
  },
  'image.unreachable': {
    meaning: 'The registry of an image does not answer.',
    fix: 'Check that the host reaches the registry (name, port, network), and deploy again; what runs goes on.',
  },
  'image.tls': {
    meaning: 'The Engine does not trust the connection to the registry of an image.',
    fix: "Put the registry's authority into /etc/docker/certs.d/HOST/ca.crt on each host, or renew its certificate.",
  },
  'image.pull_failed': {
    meaning: 'An image could not be pulled.',
    fix: 'Read the detail: it holds the words of the Engine (no route to the registry, no space, no such platform, …).',
  },
  'volume.host_removed': {
    meaning: 'A volume is on a host that is not among the settings any more, and its set is made nowhere else.',
    fix: 'Put the host back into TIDEGATE_DOCKER, or let the set begin anew without its data: `tide volumes give-up SET HOST`.',
  },
  'volume.missing': {
    meaning: 'A volume is not on the host any more that it was on: somebody removed it, or the host is another one.',
    fix: 'Put it back there under its name, with its labels (`tidegate.tenant`, `tidegate.app`, `tidegate.instance`), or let the set begin anew with an empty one: `tide volumes give-up SET HOST`.',
  },
  'volume.left_behind': {
    meaning: 'The only host that answers is one where a volume of the set was given up, and that is not used again.',
    fix: 'Add a host, or remove the volume there (`docker volume rm`) when what is in it is needed no more.',
  },
  'replica.incomplete': {
    meaning: 'A replica lacks containers that it was made of: somebody removed them.',
    fix: 'Remove the replica; another one is made in its place.',
  },
  'store.corrupt': {
    meaning: 'The state file cannot be read as a Tidegate database.',
    fix: 'Restore it from a copy, or move it away: what runs is found again from Docker.',
  },
  'store.newer': {
    meaning: 'The state file was written by a newer Tidegate.',
    fix: 'Run the newer version, or point TIDEGATE_DATA at another directory.',
  },
  'store.locked': {
    meaning: 'Another process holds the state directory, or another Tidegate the shared store.',
    fix: 'Stop the other Tidegate, or point TIDEGATE_DATA at another directory and TIDEGATE_STORE at another database.',
  },
  'store.failed': {
    meaning: 'State could not be read or written.',
    fix: 'Check free space, owner and permissions of the state directory, or that the Redis server of TIDEGATE_STORE answers; the message holds the words of the system.',
  },
  'store.conflict': {
    meaning:
      'Something was to be written that another has changed in the meantime, or under a lease that is held no more.',
    fix: 'Nothing: whoever wrote it reads it again and decides anew.',
  },
  'store.empty': {
    meaning: 'There is nothing to export: the store holds no state at all.',
    fix: 'Check that TIDEGATE_DATA and TIDEGATE_STORE are those that Tidegate runs with.',
  },
  'store.file_exists': {
    meaning: 'The file that the state was to be exported to is there already.',
    fix: 'Choose another name, or move the file away: an export never takes the place of a file.',
  },
  'store.file_unfit': {
    meaning: 'A file is not the whole export of a state: it is torn, was changed, or is something else.',
    fix: 'Import another copy of it, or export again; nothing was written unless the message says so.',
  },
  'store.not_empty': {
    meaning: 'State was to be imported into a store that holds some already.',
    fix: 'Import into an empty store, or say --replace: then all that the store holds is dropped first (export it before).',
  },
  'store.half_imported': {
    meaning: 'An import into this store was broken off, so that it holds only a part of the state.',
    fix: 'Run the import again (`node main.ts import FILE`): it begins anew. Or empty the store.',
  },
  'vault.key_file': {
    meaning: 'The file with the encryption key cannot be read, made or written, or holds no key.',
    fix: 'Put back the file that the certificates were encrypted with (TIDEGATE_KEY_FILE, or encryption.key in the state directory), readable by Tidegate alone.',
  },
  'vault.sealed': {
    meaning: 'A private key or secret at rest cannot be decrypted: by another key, or changed by somebody.',
    fix: 'Add the key it was encrypted with as a further line of the key file; without that key, issue the certificate again.',
  },
  'certs.unfit': {
    meaning: 'A certificate was not taken, because clients could not use it.',
    fix: 'The message names the fault: put key, order of the chain, names or dates right.',
  },
  'apps.removing': {
    meaning: 'An app or a set is being removed, and takes no changes.',
    fix: 'Wait for the end of its operation (`tide operations`, GET /v1/operations), then ask again.',
  },
  'tenants.unknown': {
    meaning: 'There is no such tenant.',
    fix: 'An operator makes it with POST /v1/tenants, or `tide tenants create`.',
  },
  'listener.in_use': {
    meaning: 'An address to listen on is taken by another process.',
    fix: 'Stop that process or choose another address in TIDEGATE_HTTP, TIDEGATE_HTTPS or TIDEGATE_ADMIN.',
  },
  'listener.denied': {
    meaning: 'This user may not listen on the address.',
    fix: 'Choose a port above 1023 or grant CAP_NET_BIND_SERVICE.',
  },
  'certs.failed': {
    meaning: 'The local certificate authority cannot be read or made.',
    fix: 'Check owner and permissions of ca/ in the state directory; when it is removed, a new authority is made at the next start.',
  },
  'upstream.protocol': {
    meaning: 'A replica answered with something that is not valid HTTP.',
    fix: 'Check that tidegate.port names an HTTP port and that tidegate.proto fits.',
  },
  'apps.gone': {
    meaning: 'A set or a revision of it was removed while something was being done with it.',
    fix: 'Nothing: what was being done has ended.',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** An unexpected failure with a code from {@link ERRORS}. The message is fit for a log line; `detail` is for programs. */
export class TidegateError extends Error {
  readonly code: ErrorCode;
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; detail?: Record<string, unknown> } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'TidegateError';
    this.code = code;
    this.detail = options.detail ?? {};
  }
}

/** True when `error` is a TidegateError, of the given code if one is named. */
export function isTidegateError(error: unknown, code?: ErrorCode): error is TidegateError {
  return error instanceof TidegateError && (code === undefined || error.code === code);
}

/** The words of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
