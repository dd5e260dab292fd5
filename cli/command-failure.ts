/** Why a command ends without having done what it was asked to, with what to do about it. Its words go to stderr. */
import { EXIT, type ExitCode } from './exit-codes.ts';

export interface FailureFacts {
  readonly exit: ExitCode;
  /** Of the problem that the API answered with. */
  readonly code?: string | null;
  /** Further lines, below the message. */
  readonly details?: readonly string[];
  /** What to do, one step each. */
  readonly fix?: readonly string[];
}

export class CommandFailure extends Error {
  readonly exit: ExitCode;
  readonly code: string | null;
  readonly details: readonly string[];
  readonly fix: readonly string[];

  constructor(message: string, { exit, code = null, details = [], fix = [] }: FailureFacts) {
    super(message);
    this.name = 'CommandFailure';
    this.exit = exit;
    this.code = code;
    this.details = details;
    this.fix = fix;
  }
}

/** The command line cannot be understood. */
export function usageFailure(message: string, fix: readonly string[] = []): CommandFailure {
  return new CommandFailure(message, { exit: EXIT.usage, fix });
}
