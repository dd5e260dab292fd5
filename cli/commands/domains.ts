/** `domains add`, `ls`, `show`, `rm`: hostnames that a tenant binds to its apps. */
import type { Domain } from '../answers.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { DOMAINS, domainPath } from '../domain-path.ts';
import { showDiagnosis, showRecordsSeen, showRecordsToSet, showStanding } from '../domain-text.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { stateCell } from '../state-style.ts';

const HOST = { name: 'HOST', summary: 'Hostname of the domain, or its id.' } as const;
/** What is so with every new domain: the table of records says it. */
const TO_BE_EXPECTED = ['ownership.txt_missing', 'dns.no_record'];

export const DOMAIN_COMMANDS: readonly Command[] = [
  {
    name: 'domains add',
    summary: 'Binds a hostname to an app, and shows the DNS records to set.',
    arguments: [{ name: 'HOST', summary: 'Such as shop.example.com or *.example.com.' }],
    options: {
      set: { type: 'string', value: 'SET', summary: 'Set of the app; its main one when left out.' },
      path: { type: 'string', value: 'PATH', summary: 'Path prefix that is bound; / when left out.' },
    },
    example: 'tide domains add shop.example.com --app shop',
    run: add,
  },
  {
    name: 'domains ls',
    summary: 'Domains, and how they stand.',
    example: 'tide domains ls',
    run: list,
  },
  {
    name: 'domains show',
    summary: 'A domain: conditions, records, and what stands in the way.',
    arguments: [HOST],
    example: 'tide domains show shop.example.com',
    run: async (call) => {
      const { api, output, json } = call;
      const domain = await api.get<Domain>(domainPath(call.word));
      if (json) output.json(domain);
      else {
        showStanding(domain, call);
        output.line();
        showRecordsSeen(domain, output);
        showDiagnosis(domain.diagnosis, output);
      }
      return EXIT.ok;
    },
  },
  {
    name: 'domains rm',
    summary: 'Lets go of a hostname; for 72 hours no other tenant can have it.',
    arguments: [HOST],
    example: 'tide domains rm shop.example.com --yes',
    run: async (call) => {
      const { api, output, word } = call;
      await call.confirm(`Let go of ${word}? It is served no longer.`);
      await api.remove(domainPath(word));
      output.note(`${word} is let go of.`);
      return EXIT.ok;
    },
  },
];

async function add(call: Call): Promise<ExitCode> {
  const { api, output, word: hostname } = call;
  const app = await call.app();
  const set = call.option('set');
  const path = call.option('path');
  const body = { hostname, app, ...(set === null ? {} : { set }), ...(path === null ? {} : { path }) };
  const domain = await api.json<Domain>('POST', DOMAINS, { body });
  if (call.json) {
    output.json(domain);
    return EXIT.ok;
  }
  showRecordsToSet(domain, output);
  showDiagnosis(
    domain.diagnosis.filter(({ code }) => !TO_BE_EXPECTED.includes(code)),
    output,
  );
  output.note(`${domain.hostname} leads to ${domain.app} once it is proved (now: ${domain.status}).`);
  output.note(`Set these records, then: tide domains verify ${domain.hostname} --wait`);
  return EXIT.ok;
}

async function list(call: Call): Promise<ExitCode> {
  const { api, output } = call;
  const all = await api.list<Domain>(DOMAINS);
  const app = call.option('app');
  const items = app === null ? all.items : all.items.filter((one) => one.app === app);
  if (call.json) {
    output.json({ ...all, items });
    return EXIT.ok;
  }
  const rows = items.map(({ hostname, app: name, set, status, certificate, checked_at, next_check_at }) => {
    const target = set === null ? name : `${name}/${set}`;
    const moments = [call.moment(checked_at), call.moment(next_check_at)];
    return [hostname, target, stateCell(status), stateCell(certificate.state), ...moments];
  });
  if (rows.length === 0) output.note('There is no domain yet: tide domains add HOST --app APP');
  else output.table(['HOSTNAME', 'LEADS TO', 'STATUS', 'CERTIFICATE', 'CHECKED', 'NEXT CHECK'], rows);
  return EXIT.ok;
}
