/** `certs trust`: how to trust the local authority, so that https works for names that no public one can vouch for. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Authority } from '../answers.ts';
import type { Call } from '../call.ts';
import { CERTIFICATES } from '../certificate-lookup.ts';
import type { Command } from '../command.ts';
import { dataDirectory } from '../credentials.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

const FILE = 'tidegate-ca.pem';

export const TRUST_COMMANDS: readonly Command[] = [
  {
    name: 'certs trust',
    summary: 'How to trust the local authority, which signs for names that no public one can vouch for.',
    notes: 'It changes nothing on this machine.',
    options: { pem: { type: 'boolean', summary: 'Only its certificate, for a file.' } },
    example: `tide certs trust --pem > ${FILE}`,
    run: trust,
  },
];

async function trust(call: Call): Promise<ExitCode> {
  const { api, output, world } = call;
  const authority = await api.get<Authority>(`${CERTIFICATES}/authority`);
  if (call.json) output.json(authority);
  else if (call.flag('pem')) output.text(`${authority.certificate.trimEnd()}\n`);
  else {
    const here = path.join(dataDirectory(world), 'ca', 'ca.pem');
    const isHere = isSame(here, authority.certificate);
    const file = isHere ? here : FILE;
    output.facts({ authority: authority.name, 'signs below': authority.names.join(', '), file: isHere ? here : null });
    if (!isHere) {
      output.line();
      output.line('Its certificate into a file:');
      output.line(`  tide certs trust --pem > ${FILE}`);
    }
    for (const [where, commands] of waysToTrust(file)) {
      output.line();
      output.line(`${where}:`);
      for (const command of commands) output.line(`  ${command}`);
    }
    output.note('Trust it on machines of your own alone: whoever has its key can vouch for these names.');
  }
  return EXIT.ok;
}

function waysToTrust(file: string): readonly (readonly [where: string, commands: readonly string[]])[] {
  const quoted = /^[\w./-]+$/.test(file) ? file : `'${file.replaceAll("'", `'\\''`)}'`;
  return [
    ['One command', [`curl --cacert ${quoted} https://…`, `NODE_EXTRA_CA_CERTS=${quoted} node …`]],
    [
      'Debian, Ubuntu',
      [`sudo cp ${quoted} /usr/local/share/ca-certificates/tidegate.crt`, 'sudo update-ca-certificates'],
    ],
    ['Fedora, RHEL', [`sudo trust anchor ${quoted}`]],
    ['macOS', [`sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ${quoted}`]],
    ['Windows', [`certutil -addstore Root ${quoted}`]],
    ['Firefox', ['Settings, Privacy & Security, Certificates, View Certificates, Authorities, Import']],
  ];
}

function isSame(file: string, certificate: string): boolean {
  try {
    return readFileSync(file, 'utf8').trim() === certificate.trim();
  } catch {
    return false;
  }
}
