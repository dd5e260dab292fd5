/** What the API says when it does not do what was asked (RFC 9457), as a failure of the command. */
import { CommandFailure } from './command-failure.ts';
import { EXIT, exitOfAnswer } from './exit-codes.ts';

interface Fault {
  readonly pointer: string;
  readonly detail: string;
}

interface Problem {
  readonly title: string;
  readonly detail: string;
  readonly code: string | null;
  readonly errors: readonly Fault[];
  readonly fix: readonly string[];
}

/** Null: it is not one. */
function problemOf(text: string): Problem | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || !('title' in value)) return null;
  const { title, detail = '', code = null, errors = [], fix = [] } = value as Partial<Problem>;
  return { title: String(title), detail, code, errors, fix };
}

/** @param from where the token was found; null: there is none */
export function failureOf(status: number, body: string, asked: { url: string; from: string | null }): CommandFailure {
  const problem = problemOf(body);
  if (problem === null) return strange(status, asked.url);
  const { title, detail, code, errors, fix } = problem;
  // Most problems with one fault say it as their detail.
  const faults = errors.map((one) => (one.detail === detail ? one.pointer : `${one.pointer}: ${one.detail}`));
  const details =
    errors.length === 1 && faults[0] === errors[0]?.pointer ? [`${faults[0]}: ${detail}`] : [detail, ...faults];
  return new CommandFailure(code === null ? title : `${title} (${code})`, {
    exit: exitOfAnswer(status, code),
    code,
    details: details.filter((one) => one !== ''),
    fix: status === 401 ? tokenFix(asked) : fix,
  });
}

/** Of the command line, which people have at hand: what the API says is for those who send headers. */
function tokenFix({ url, from }: { readonly url: string; readonly from: string | null }): string[] {
  const ways = [
    `\`tide login\` keeps a token for ${url}; TIDEGATE_TOKEN gives one for a single run.`,
    'The first token stands in operator.token in the state directory of the gateway.',
  ];
  return from === null ? ways : [`The token is from ${from}: put another one there.`, ...ways];
}

function strange(status: number, url: string): CommandFailure {
  const moved = status >= 300 && status < 400;
  return new CommandFailure(`What answers at ${url} is not the admin API of a Tidegate: it says ${status}.`, {
    exit: moved ? EXIT.failed : exitOfAnswer(status, null),
    fix: [
      `Set TIDEGATE_URL to the address in TIDEGATE_ADMIN of the gateway${moved ? '; redirects are not followed' : ''}.`,
    ],
  });
}
