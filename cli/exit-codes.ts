/** What the command line ends with: one number for each way that scripts have to tell apart. */

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  auth: 4,
  conflict: 5,
  timeout: 6,
  unhealthy: 7,
  interrupted: 130,
  unread: 141,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'It is done.',
  failed: 'It failed; what is written to stderr says why.',
  usage:
    'The command line cannot be understood, or a question would have to be asked and nobody is there to answer it.',
  notFound: 'There is no such thing (404).',
  auth: 'The token is missing, not in force, or does not allow it (401, 403).',
  conflict: 'It is in the way of what is there, or that has changed (409, 412, or a key used for another request).',
  timeout: 'It took too long.',
  unhealthy: 'Something is unhealthy, a domain is not verified, or a deployment has not come into force.',
  interrupted: 'It was interrupted (Ctrl-C).',
  unread: 'Nobody read its output to the end, as in `tide events | head`; what came of it was not told.',
};

const OF_STATUS: Readonly<Record<number, ExitCode>> = {
  401: EXIT.auth,
  403: EXIT.auth,
  404: EXIT.notFound,
  408: EXIT.timeout,
  409: EXIT.conflict,
  412: EXIT.conflict,
  504: EXIT.timeout,
};

/** What an answer that is no success comes to. @param code of the problem */
export function exitOfAnswer(status: number, code: string | null): ExitCode {
  if (code === 'idempotency_mismatch') return EXIT.conflict;
  return OF_STATUS[status] ?? EXIT.failed;
}
