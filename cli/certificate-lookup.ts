/** The certificate that is meant: by its id, or by a hostname that it is for. */
import { parseHostPattern } from '#core/hostname';
import type { Certificate } from './answers.ts';
import type { Api } from './api.ts';
import { CommandFailure } from './command-failure.ts';
import { EXIT } from './exit-codes.ts';

export const CERTIFICATES = '/v1/certificates';

export function certificatePath(id: string): string {
  return `${CERTIFICATES}/${encodeURIComponent(id)}`;
}

/** Of a hostname: the id of the newest that is valid, else of the newest. @throws CommandFailure when there is none */
export async function certificateId(which: string, api: Api): Promise<string> {
  const parsed = parseHostPattern(which);
  if (which.startsWith('crt_') || !parsed.ok) return which;
  const { items } = await api.list<Certificate>(CERTIFICATES);
  const fitting = items.filter(({ names }) => names.includes(parsed.hostname));
  const found = fitting.findLast(({ state }) => state === 'valid') ?? fitting.at(-1);
  if (found !== undefined) return found.id;
  throw new CommandFailure(`There is no certificate for ${parsed.hostname}.`, {
    exit: EXIT.notFound,
    fix: ['`tide certs ls` lists all of them.'],
  });
}
