/**
 * What a set asks of the edge, as the labels of one container have it. A label that only refines another means nothing
 * without that one, and is refused rather than passed over.
 */
import type { EdgePolicy, HeaderRules, OutlierPolicy } from '#core/edge-policy';
import { EDGE_LABELS as LABELS } from './edge-labels.ts';
import { type HeaderSide, isSettable, SETTABLE } from './header-shapes.ts';
import type { Label } from './label.ts';
import type { LabelReader } from './label-reader.ts';
import { LABELS as SET_LABELS } from './labels.ts';

const CORS_DETAILS = [
  LABELS.corsMethods,
  LABELS.corsHeaders,
  LABELS.corsExpose,
  LABELS.corsCredentials,
  LABELS.corsMaxAge,
];

export function readOutlier(reader: LabelReader): OutlierPolicy | null {
  const errors = reader.readOrDefault(LABELS.outlierErrors);
  const timeMs = reader.readOrDefault(LABELS.outlierTime);
  if (errors !== null) return { errors, timeMs };
  refuseAlone(reader, LABELS.outlierErrors, [LABELS.outlierTime]);
  return null;
}

export function readEdge(reader: LabelReader): EdgePolicy {
  return {
    headers: readHeaders(reader),
    cors: readCors(reader),
    auth: readAuth(reader),
    clients: readClients(reader),
    clientCertificates: readClientCertificates(reader),
    redirect: readRedirect(reader),
    compress: reader.readOrDefault(LABELS.compress),
    hsts: readHsts(reader),
    wakeIgnore: reader.read(SET_LABELS.wakeIgnore),
  };
}

function readHeaders(reader: LabelReader): EdgePolicy['headers'] {
  const request = readRules(reader, 'request');
  const response = readRules(reader, 'response');
  const empty = [request, response].every(({ set, remove }) => set.length + remove.length === 0);
  return empty ? null : { request, response };
}

function readRules(reader: LabelReader, side: HeaderSide): HeaderRules {
  const label = side === 'request' ? LABELS.requestSet : LABELS.responseSet;
  const set: [name: string, value: string][] = [];
  for (const name of reader.headersOf(label)) {
    const twice = set.some(([other]) => other.toLowerCase() === name.toLowerCase());
    if (!isSettable(name, side) || twice) {
      const expected = twice ? 'a field that is set once' : SETTABLE;
      reader.reject(label, { route: name, value: reader.given(label, name), expected });
      continue;
    }
    const value = reader.read(label, name);
    if (value !== null) set.push([name, value]);
  }
  return { set, remove: reader.read(side === 'request' ? LABELS.requestRemove : LABELS.responseRemove) ?? [] };
}

function readCors(reader: LabelReader): EdgePolicy['cors'] {
  const origins = reader.read(LABELS.corsOrigins);
  const methods = reader.readOrDefault(LABELS.corsMethods);
  const headers = reader.read(LABELS.corsHeaders);
  const expose = reader.read(LABELS.corsExpose) ?? [];
  const credentials = reader.readOrDefault(LABELS.corsCredentials);
  const maxAgeS = reader.read(LABELS.corsMaxAge);
  if (origins === null) {
    refuseAlone(reader, LABELS.corsOrigins, CORS_DETAILS);
    return null;
  }
  if (credentials && origins.includes('*')) {
    // Any page at all could then act in the name of whoever looks at it.
    reader.reject(LABELS.corsCredentials, {
      value: reader.given(LABELS.corsCredentials),
      expected: 'false where tidegate.cors.origins is *',
      nearest: 'false',
    });
  }
  return { origins, methods, headers, expose, credentials, maxAgeS };
}

function readAuth(reader: LabelReader): EdgePolicy['auth'] {
  refuseBlank(reader, LABELS.authBasic);
  const users = reader.read(LABELS.authBasic);
  const realm = reader.readOrDefault(LABELS.authRealm);
  const forward = reader.readOrDefault(LABELS.authForward);
  if (users !== null) return { users, realm, forward };
  refuseAlone(reader, LABELS.authBasic, [LABELS.authRealm, LABELS.authForward]);
  return null;
}

function readClients(reader: LabelReader): EdgePolicy['clients'] {
  refuseBlank(reader, LABELS.allowIps);
  const allow = reader.read(LABELS.allowIps) ?? [];
  const deny = reader.read(LABELS.denyIps) ?? [];
  return allow.length + deny.length === 0 ? null : { allow, deny };
}

/** A label that protects and has lost its value is no leave to serve everybody. */
function refuseBlank(reader: LabelReader, label: (typeof LABELS)['allowIps' | 'authBasic' | 'tlsClient']): void {
  if (reader.isBlank(label)) reader.reject(label, { value: '', expected: 'a value, or no such label' });
}

function readClientCertificates(reader: LabelReader): EdgePolicy['clientCertificates'] {
  refuseBlank(reader, LABELS.tlsClient);
  const asked = reader.read(LABELS.tlsClient);
  const { tls } = SET_LABELS;
  const spoken = reader.given(tls);
  if (asked !== null && (spoken === 'off' || spoken === 'passthrough')) {
    const value = reader.given(LABELS.tlsClient);
    // Nobody would be asked, and everybody served.
    reader.reject(LABELS.tlsClient, { value, expected: `${tls.name} to be auto or only beside it` });
  }
  return asked;
}

function readRedirect(reader: LabelReader): EdgePolicy['redirect'] {
  const to = reader.read(LABELS.redirectTo);
  const www = reader.readOrDefault(LABELS.redirectWww);
  const status = reader.readOrDefault(LABELS.redirectStatus);
  if (to !== null && www !== 'off') {
    reader.reject(LABELS.redirectWww, {
      value: www,
      expected: 'off beside tidegate.redirect.to, which names the hostname already',
      nearest: 'off',
    });
  }
  if (to !== null || www !== 'off') return { to, status, www };
  refuseAlone(reader, LABELS.redirectTo, [LABELS.redirectStatus]);
  return null;
}

function readHsts(reader: LabelReader): EdgePolicy['hsts'] {
  const maxAgeS = reader.readOrDefault(LABELS.hsts);
  const subdomains = reader.readOrDefault(LABELS.hstsSubdomains);
  const preload = reader.readOrDefault(LABELS.hstsPreload);
  if (maxAgeS !== null) return { maxAgeS, subdomains, preload };
  refuseAlone(reader, LABELS.hsts, [LABELS.hstsSubdomains, LABELS.hstsPreload]);
  return null;
}

/** Rejects labels that refine one which is not given. Where that one is bad, it is rejected itself. */
function refuseAlone(reader: LabelReader, main: Label, details: readonly Label[]): void {
  if (reader.rejectedLabel(main)) return;
  for (const detail of details) {
    const value = reader.given(detail);
    // What it would be anyway may be written down.
    if (value !== null && value !== detail.default)
      reader.reject(detail, { value, expected: `${main.name} beside it` });
  }
}
