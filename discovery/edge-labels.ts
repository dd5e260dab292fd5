/**
 * The labels of what the gateway does at the edge on a set's behalf: a part of the one table in labels.ts.
 */
import { REDIRECT_STATUSES } from '#core/edge-policy';
import {
  age,
  basicUsers,
  clientAuthority,
  codings,
  methods,
  networks,
  origins,
  realm,
  redirectTarget,
} from './edge-shapes.ts';
import { fieldNames, fieldValue, removableFields } from './header-shapes.ts';
import { type Label, labelsOf } from './label.ts';
import { boolean, choice, duration, orOff, wholeNumber } from './shape.ts';

const set = labelsOf('set');

export const EDGE_LABELS = {
  slowStart: set.defaulted('slow.start', orOff(duration(1)), 'off', {
    meaning:
      'Time over which the share of a replica that has just become ready grows to that of the others. A replica alone, or all of them new, take everything at once.',
    example: '30s',
  }),
  outlierErrors: set.defaulted('outlier.errors', orOff(wholeNumber({ min: 1, max: 1000 })), 'off', {
    meaning:
      'Answers in a row of 500 and above, or none at all, after which a replica is left out for a while. Never more than half of the replicas are.',
    example: '5',
  }),
  outlierTime: set.defaulted('outlier.time', duration(1), '30s', {
    meaning: 'How long it is left out for the first time; ten times as long at most if it soon fails again.',
    example: '1m',
  }),
  requestSet: set.optional('headers.request.set.<header>', fieldValue, null, {
    meaning:
      'Field that every request to the container carries, in place of what the client sent. Not Host: apps are told the name they were asked for.',
    example: 'production',
  }),
  requestRemove: set.optional('headers.request.remove', removableFields('request'), null, {
    meaning: 'Fields taken out of requests.',
    example: 'Cookie,X-Debug',
  }),
  responseSet: set.optional('headers.response.set.<header>', fieldValue, null, {
    meaning: 'Field that every answer carries, in place of what the container says.',
    example: 'DENY',
  }),
  responseRemove: set.optional('headers.response.remove', removableFields('response'), null, {
    meaning: 'Fields taken out of answers.',
    example: 'Server,X-Powered-By',
  }),
  corsOrigins: set.optional('cors.origins', origins, 'no sharing', {
    meaning:
      'Origins whose pages may use the app (CORS). Preflight requests are answered by the gateway, without a wake.',
    example: 'https://app.example.com,https://*.example.com',
  }),
  corsMethods: set.defaulted('cors.methods', methods, 'GET,HEAD,POST,PUT,PATCH,DELETE', {
    meaning: 'Methods that they may use.',
    example: 'GET,POST',
  }),
  corsHeaders: set.optional('cors.headers', fieldNames, 'whatever the browser asks for', {
    meaning: 'Fields that they may send.',
    example: 'Content-Type,X-Api-Key',
  }),
  corsExpose: set.optional('cors.expose', fieldNames, null, {
    meaning: 'Fields of answers that they may read.',
    example: 'X-Total-Count',
  }),
  corsCredentials: set.defaulted('cors.credentials', boolean, 'false', {
    meaning: 'Whether they may send cookies and passwords. Never together with the origin `*`.',
    example: 'true',
  }),
  corsMaxAge: set.optional('cors.max-age', age, "the browser's own 5s", {
    meaning: 'How long a browser may keep the answer to a preflight request.',
    example: '10m',
  }),
  authBasic: {
    ...set.optional('auth.basic', basicUsers, 'everybody', {
      meaning: 'Users that may come in, each with the hash of a password (HTTP Basic).',
      example: 'admin:$2y$10$abcdefghijklmnopqrstuuu5uJYAr8jFGxkSCD7cvN9pyfCSDtOUi',
    }),
    secret: true,
  },
  authRealm: set.defaulted('auth.realm', realm, 'Restricted', {
    meaning: 'What the browser calls the place it asks the password for.',
    example: 'Staging',
  }),
  authForward: set.defaulted('auth.forward', boolean, 'false', {
    meaning: 'Whether the container is given the Authorization of the request.',
    example: 'true',
  }),
  allowIps: set.optional('allow.ips', networks, 'everybody', {
    meaning: 'Clients that may come in, by address as trusted proxies tell it.',
    example: '10.0.0.0/8,2001:db8::/32',
  }),
  denyIps: set.optional('deny.ips', networks, 'nobody', {
    meaning: 'Clients that may not, whatever `tidegate.allow.ips` says.',
    example: '203.0.113.7',
  }),
  tlsClient: set.optional('tls.client', clientAuthority, 'clients are not asked', {
    meaning:
      'Authority that has to have signed the certificate of a client: `<name>.pem` in TIDEGATE_CLIENT_CAS. With `;optional` clients without one are served as well. The container is given the certificate in `Client-Cert`; plain HTTP is redirected.',
    example: 'partners;optional',
  }),
  redirectTo: set.optional('redirect.to', redirectTarget, 'nowhere', {
    meaning:
      'Where requests are sent instead, with their path and query. Requests for the hostname it names are served.',
    example: 'https://new.example.com',
  }),
  redirectWww: set.defaulted('redirect.www', choice(['off', 'add', 'remove']), 'off', {
    meaning:
      'Sends requests to the hostname with `www.` (`add`) or without (`remove`); the routes of the set have to hold both.',
    example: 'remove',
  }),
  redirectStatus: set.defaulted(
    'redirect.status',
    choice(REDIRECT_STATUSES, { permanent: '308', temporary: '307', '303': '302' }),
    '308',
    {
      meaning: 'Status of such redirects: for good (301, 308) or for now (302, 307); 307 and 308 keep the method.',
      example: '302',
    },
  ),
  compress: set.defaulted('compress', orOff(codings), 'off', {
    meaning:
      'Codings that text of 1 KiB and more is compressed with, as far as the client takes them and the container did not. Never streams of events.',
    example: 'zstd,br,gzip',
  }),
  hsts: set.defaulted('hsts', orOff(age), 'off', {
    meaning: 'How long browsers are to use HTTPS alone (Strict-Transport-Security, on encrypted answers).',
    example: '365d',
  }),
  hstsSubdomains: set.defaulted('hsts.subdomains', boolean, 'false', {
    meaning: 'Whether that holds for all names below as well.',
    example: 'true',
  }),
  hstsPreload: set.defaulted('hsts.preload', boolean, 'false', {
    meaning: 'Whether browsers may ship with it (`preload`).',
    example: 'true',
  }),
} as const satisfies Record<string, Label>;
