/** Domains in words: the records to set beside those that are seen, and what stands in the way. */
import type { Diagnosis, Domain } from './answers.ts';
import type { Call } from './call.ts';
import type { Output } from './output.ts';
import { stateCell } from './state-style.ts';

const NOTHING = '–';

/** Records to set, for people who copy them into a form of their DNS provider. */
export function showRecordsToSet({ records }: Domain, output: Output): void {
  const rows = records.map(({ type, name, value, purpose, state }) => [type, name, value, purpose, stateCell(state)]);
  output.table(['TYPE', 'NAME', 'VALUE', 'PURPOSE', 'STATE'], rows);
}

/** Wanted beside seen. */
export function showRecordsSeen({ records }: Domain, output: Output): void {
  const rows = records.map(({ type, name, value, state, seen }) => {
    return [type, name, value, seen.join(', ') || NOTHING, stateCell(state)];
  });
  output.table(['TYPE', 'NAME', 'WANTED', 'SEEN', 'STATE'], rows);
}

export function showDiagnosis(diagnosis: readonly Diagnosis[], output: Output): void {
  for (const { code, detail, fix, wanted, seen, resolver } of diagnosis) {
    output.line();
    output.line(`${code}: ${detail}`);
    if (wanted !== undefined) output.line(`  wanted: ${wanted.join(', ') || NOTHING}`);
    if (seen !== undefined) output.line(`  seen: ${seen.join(', ') || NOTHING}`);
    if (resolver !== undefined) output.line(`  resolver: ${resolver}`);
    output.line(`  fix: ${fix}`);
  }
}

/** How it stands, in a few lines. */
export function showStanding(domain: Domain, call: Call): void {
  const { output } = call;
  const { hostname, app, set, path, status, conditions, certificate, checked_at, next_check_at } = domain;
  output.facts({
    domain: hostname,
    'leads to': `${app}${set === null ? '' : `/${set}`}${path === '/' ? '' : `, path ${path}`}`,
    status: stateCell(status),
    checked: call.moment(checked_at),
    'next check': call.moment(next_check_at),
  });
  output.line();
  const rows = conditions.map(({ type, status: holds, message }) => [type, stateCell(holds), message]);
  output.table(['CONDITION', 'HOLDS', 'WHY'], rows);
  const { last_error: error, next_attempt_at: next, state } = certificate;
  if (error === null) return;
  output.line();
  output.line(`certificate ${state}: ${error.detail}`);
  output.line(`  ${error.type}, ${call.moment(error.at)}; next try ${call.moment(next)}`);
}

/** Whether requests for it are served here. */
export function isVerified({ status }: Domain): boolean {
  return status === 'active' || status === 'pending_certificate';
}
