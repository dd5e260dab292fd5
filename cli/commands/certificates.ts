/** `certs`: certificates, until when they are good, and what can be done about them. A key goes into the request alone. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '#core/errors';
import type { Certificate } from '../answers.ts';
import type { Call } from '../call.ts';
import { CERTIFICATES, certificateId, certificatePath } from '../certificate-lookup.ts';
import type { Command } from '../command.ts';
import { CommandFailure } from '../command-failure.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { stateCell } from '../state-style.ts';

const WHICH = { name: 'CERTIFICATE', summary: 'Its id, or a hostname that it is for.' } as const;

export const CERTIFICATE_COMMANDS: readonly Command[] = [
  {
    name: 'certs ls',
    summary: 'Certificates, and until when they are good.',
    example: 'tide certs ls',
    run: list,
  },
  {
    name: 'certs show',
    summary: 'A certificate, and how it stands with the next one.',
    arguments: [WHICH],
    example: 'tide certs show shop.example.com',
    run: async (call) => {
      const { api, word } = call;
      show(await api.get<Certificate>(certificatePath(await certificateId(word, api))), call);
      return EXIT.ok;
    },
  },
  {
    name: 'certs renew',
    summary: 'Asks for a new certificate now; the old one serves until the new one has proved itself.',
    arguments: [WHICH],
    example: 'tide certs renew shop.example.com',
    run: async (call) => {
      const { api, word } = call;
      const id = await certificateId(word, api);
      show(await api.json<Certificate>('POST', `${certificatePath(id)}/renew`), call);
      call.output.note('A new one is asked for; `tide events -f --type certificate.renewed,certificate.failed` tells.');
      return EXIT.ok;
    },
  },
  {
    name: 'certs import',
    summary: 'Brings a certificate along, for hostnames of verified domains; it serves at once.',
    options: {
      cert: {
        type: 'string',
        value: 'FILE',
        required: true,
        summary: 'PEM: the certificate, then those that vouch for it.',
      },
      key: { type: 'string', value: 'FILE', required: true, summary: 'PEM: its private key, without a passphrase.' },
      'dry-run': { type: 'boolean', summary: 'Check it, and keep nothing.' },
    },
    example: 'tide certs import --cert fullchain.pem --key privkey.pem',
    run: bring,
  },
  {
    name: 'certs revoke',
    summary: 'Tells its authority that a certificate is to be trusted no more; it serves no longer.',
    arguments: [WHICH],
    options: {
      reason: { type: 'string', value: 'REASON', summary: 'Such as key_compromise or superseded (RFC 5280 5.3.1).' },
    },
    example: 'tide certs revoke shop.example.com --reason key_compromise --yes',
    run: async (call) => {
      const { api, word } = call;
      const reason = call.option('reason');
      const id = await certificateId(word, api);
      await call.confirm(`Revoke ${described(id, word)}? This cannot be taken back.`);
      const body = reason === null ? {} : { reason };
      show(await api.json<Certificate>('POST', `${certificatePath(id)}/revoke`, { body }), call);
      return EXIT.ok;
    },
  },
  {
    name: 'certs rotate-key',
    summary: 'Encrypts all private keys at rest with a new key.',
    notes: 'Both keys are in the key file until all is done; copies of that file are to be made anew afterwards.',
    example: 'tide certs rotate-key',
    run: async ({ api, output, json }) => {
      const done = await api.json<{ rotated: true; ms: number }>('POST', '/v1/encryption-key/rotate');
      if (json) output.json(done);
      else output.note(`Everything is encrypted anew, in ${done.ms} ms. Make a new copy of the key file.`);
      return EXIT.ok;
    },
  },
  {
    name: 'certs rm',
    summary: 'Serves a certificate no more and forgets its key; a verified hostname gets another.',
    arguments: [WHICH],
    example: 'tide certs rm shop.example.com --yes',
    run: async (call) => {
      const { api, output, word } = call;
      const id = await certificateId(word, api);
      await call.confirm(`Remove ${described(id, word)}, and its key?`);
      await api.remove(certificatePath(id));
      output.note(`${described(id, word)} is removed.`);
      return EXIT.ok;
    },
  },
];

async function list(call: Call): Promise<ExitCode> {
  const { api, output } = call;
  const all = await api.list<Certificate>(CERTIFICATES);
  const rows = all.items.map(({ names, state, not_after, issuer, key_type, id }) => {
    return [names.join(', '), stateCell(state), call.moment(not_after), issuer, key_type, id];
  });
  if (call.json) output.json(all);
  else if (rows.length === 0) output.note('There is no certificate yet: verified domains get theirs by themselves.');
  else output.table(['NAMES', 'STATE', 'ENDS', 'ISSUER', 'KEY', 'ID'], rows);
  return EXIT.ok;
}

async function bring(call: Call): Promise<ExitCode> {
  const { api, output } = call;
  const isTrial = call.flag('dry-run');
  const body = { certificate: fileOf('cert', call), private_key: fileOf('key', call) };
  const query = { dry_run: isTrial ? 'true' : null };
  const made = await api.json<Partial<Certificate>>('POST', CERTIFICATES, { body, query });
  if (call.json) output.json(made);
  else if (isTrial) output.line(`It would serve ${(made.names ?? []).join(', ')}.`);
  else {
    output.line(`${made.id}: serves ${(made.names ?? []).join(', ')}, ends ${call.moment(made.not_after)}.`);
  }
  return EXIT.ok;
}

function fileOf(name: string, call: Call): string {
  try {
    return readFileSync(path.resolve(call.world.directory, call.option(name) ?? ''), 'utf8');
  } catch (error) {
    throw new CommandFailure(`--${name} cannot be read: ${messageOf(error)}`, { exit: EXIT.failed });
  }
}

function show(certificate: Certificate, call: Call): void {
  const { output } = call;
  if (call.json) {
    output.json(certificate);
    return;
  }
  const { id, names, state, issuer, serial, key_type, not_before, not_after, renewal, issuance } = certificate;
  const error = issuance?.last_error ?? null;
  output.facts({
    certificate: id,
    names: names.join(', '),
    state: stateCell(state),
    issuer,
    serial,
    key: key_type,
    begins: `${not_before} (${call.moment(not_before)})`,
    ends: `${not_after} (${call.moment(not_after)})`,
    'renewal advised': renewal.window_start === null ? null : call.moment(renewal.window_start),
    shown: certificate.last_shown_at === null ? null : call.moment(certificate.last_shown_at),
    'the next one': issuance === null ? null : stateCell(issuance.state),
    'last error': error === null ? null : `${error.detail} (${error.type}, ${call.moment(error.at)})`,
    'next try': issuance?.next_attempt_at == null ? null : call.moment(issuance.next_attempt_at),
  });
}

function described(id: string, word: string): string {
  return id === word ? id : `${id} of ${word}`;
}
