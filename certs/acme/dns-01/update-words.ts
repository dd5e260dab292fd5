/** What a name server's refusals mean and what to do about them, in words for whoever runs the zone. */
import { RCODE } from './dns-message.ts';
import type { TsigError, TsigKey, TsigVerdict } from './tsig.ts';

const RCODE_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(RCODE).map(([name, code]) => [code, name]));

/** @param name the zone, or what was asked for */
export function rcodeWords(rcode: number, { name, key }: { readonly name: string; readonly key: TsigKey }): string {
  return `${RCODE_NAMES.get(rcode) ?? `rcode ${rcode}`}: ${meaning(rcode, name, key)}`;
}

function meaning(rcode: number, name: string, key: TsigKey): string {
  switch (rcode) {
    case RCODE.REFUSED:
      return `the server does not allow it for ${name}; let the key ${key.name} write TXT records there (BIND: update-policy or allow-update)`;
    case RCODE.NOTAUTH:
      return `${name} is not a zone that this server is primary for; correct the zone or the server in TIDEGATE_ACME_DNS`;
    case RCODE.NOTZONE:
      return `the record does not belong into the zone ${name}; correct the zone in TIDEGATE_ACME_DNS`;
    case RCODE.NOTIMP:
      return 'the server takes no dynamic updates; name the primary server of the zone in TIDEGATE_ACME_DNS';
    case RCODE.SERVFAIL:
      return `the server has failed with ${name}; its log says why (often it may not write its zone file or journal)`;
    case RCODE.FORMERR:
      return 'the server does not understand the message; it may know no TSIG';
    default:
      return `the server says so about ${name}; its log says why`;
  }
}

export function verdictWords(verdict: Exclude<TsigVerdict, { kind: 'good' }>, key: TsigKey): string {
  switch (verdict.kind) {
    case 'unsigned':
      return `its answer is not signed, so anybody may have written it; it has to know the key ${key.name}`;
    case 'forged':
      return `its answer is not rightly signed by the key ${key.name}, so it is not believed; somebody may stand between`;
    case 'stale':
      return `its answer is not of now: ${apart(verdict.aheadS)}; set both by NTP`;
    case 'refused':
      return `${verdict.error}: ${refusal(verdict.error, verdict.aheadS, key)}`;
  }
}

function refusal(error: TsigError, aheadS: number | null, { name, algorithm }: TsigKey): string {
  switch (error) {
    case 'BADSIG':
      return `the server has another secret for the key ${name}; correct TIDEGATE_ACME_DNS_SECRET`;
    case 'BADKEY':
      return `the server knows no key ${name} for ${algorithm}; correct key and alg in TIDEGATE_ACME_DNS, or add the key there`;
    case 'BADTIME':
      return `${aheadS === null ? 'the clocks are too far apart' : apart(aheadS)}; set both by NTP`;
    case 'BADTRUNC':
      return 'the server wants a longer signature than the algorithm gives; use another alg';
  }
}

function apart(aheadS: number): string {
  return `the clock of the server is ${Math.abs(aheadS)} s ${aheadS < 0 ? 'behind' : 'ahead of'} this machine's`;
}
