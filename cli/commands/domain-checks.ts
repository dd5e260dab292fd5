/** `domains verify` and `domains diagnose`: whether a domain is right, and if not, what to do. Both say so by their exit code. */
import type { Domain, DomainFindings } from '../answers.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { domainPath } from '../domain-path.ts';
import { isVerified, showDiagnosis, showRecordsSeen, showStanding } from '../domain-text.ts';
import { watchDomain } from '../domain-watch.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { spanText } from '../moments.ts';

const HOST = { name: 'HOST', summary: 'Hostname of the domain, or its id.' } as const;
const WAIT = '10m';

export const DOMAIN_CHECK_COMMANDS: readonly Command[] = [
  {
    name: 'domains verify',
    summary: 'Checks ownership and DNS now; with --wait until they are right.',
    notes:
      'It shows what is wanted beside what is seen, and ends with 0 when the domain is verified, with 7 when it is not, and with 6 when --wait is over.',
    arguments: [HOST],
    options: {
      wait: {
        type: 'string',
        value: 'DURATION',
        ifBare: WAIT,
        summary: `Check again until it is right: 90, 90s, 10m; ${WAIT} when it says no more.`,
      },
      certificate: { type: 'boolean', summary: 'Right means also that its certificate is served.' },
    },
    example: 'tide domains verify shop.example.com --wait',
    run: verify,
  },
  {
    name: 'domains diagnose',
    summary: 'What every resolver says now, and what is wrong; changes nothing.',
    notes: 'It ends with 0 when nothing is wrong, else with 7.',
    arguments: [HOST],
    example: 'tide domains diagnose shop.example.com',
    run: diagnose,
  },
];

async function verify(call: Call): Promise<ExitCode> {
  const { api, output, world, word: which } = call;
  const waitMs = call.duration('wait');
  const withCertificate = call.flag('certificate');
  const isRight = (one: Domain): boolean => (withCertificate ? one.status === 'active' : isVerified(one));
  let told = '';
  const onLook = (one: Domain, leftMs: number): void => {
    const news = [one.status, ...one.diagnosis.map(({ code }) => code)].join(', ');
    if (news !== told)
      output.note(`${one.hostname}: ${news}; checking again, for ${spanText(leftMs) ?? 'a moment'} at most.`);
    told = news;
  };
  const domain = await watchDomain({ api, which, world, isRight, waitMs: waitMs ?? 0, onLook });
  if (call.json) output.json(domain);
  else {
    showStanding(domain, call);
    output.line();
    showRecordsSeen(domain, output);
    showDiagnosis(domain.diagnosis, output);
  }
  if (!isRight(domain)) {
    if (waitMs === null) return EXIT.unhealthy;
    output.note(`${domain.hostname} is not right after ${spanText(waitMs) ?? 'no time'}.`);
    return EXIT.timeout;
  }
  const { hostname, status } = domain;
  if (status === 'active') output.note(`${hostname} is verified and has its certificate.`);
  else {
    output.note(`${hostname} is verified; its certificate is not there yet.`);
    output.note(`To wait for it: tide domains verify ${hostname} --certificate --wait`);
  }
  return EXIT.ok;
}

async function diagnose(call: Call): Promise<ExitCode> {
  const { api, output } = call;
  const { json } = call;
  const findings = await api.get<DomainFindings>(`${domainPath(call.word)}/diagnose`);
  const { hostname, diagnosis, records } = findings;
  if (json) output.json(findings);
  else {
    const rows = records.map(({ resolver, type, name, wanted, seen, fault }) => {
      return [resolver, type, name, wanted.join(', ') || '–', seen.join(', ') || '–', fault ?? ''];
    });
    output.table(['RESOLVER', 'TYPE', 'NAME', 'WANTED', 'SEEN', 'FAULT'], rows);
    showDiagnosis(diagnosis, output);
  }
  if (diagnosis.length === 0) output.note(`Nothing is wrong with ${hostname}.`);
  return diagnosis.length === 0 ? EXIT.ok : EXIT.unhealthy;
}
