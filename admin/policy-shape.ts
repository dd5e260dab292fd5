/** The policy of a set as the API shows it: what its labels come to. Null stands for: off. */
import { z } from '@hono/zod-openapi';
import { formatDuration } from '#core/duration';
import { CODINGS, type EdgePolicy, type HeaderRules, REDIRECT_STATUSES } from '#core/edge-policy';
import { formatSchedule } from '#core/schedule';
import { PROTOCOLS, SET_CLASSES, type SetPolicy } from '#core/set';

const duration = z.string().openapi({ example: '30s' });
const count = z.number().int();
const texts = z.array(z.string());
const name = z.string().openapi({ example: 'shop' });

const SECRET_HEADER = /auth|cookie|token|secret|key|passw/i;

const headerRules = z.object({
  set: z.array(
    z.object({
      name: z.string(),
      value: z.string().nullable().openapi({ description: 'Null: by its name it is a secret, which is not shown.' }),
    }),
  ),
  remove: texts,
});

export const PolicyShape = z
  .object({
    class: z.enum(SET_CLASSES),
    proto: z.enum(PROTOCOLS),
    lb: z.string().openapi({ example: 'p2c' }),
    sticky: z.enum(['off', 'cookie']),
    slow_start: duration.nullable().openapi({ description: 'Time until a new replica has its full share.' }),
    outlier: z
      .object({ errors: count, time: duration })
      .nullable()
      .openapi({ description: 'Errors in a row that put a replica out, and for how long.' }),
    health: z.object({
      path: z.string().nullable(),
      interval: duration,
      timeout: duration,
      rise: count,
      fall: count,
      status: z.string().openapi({ example: '200-399' }),
    }),
    scale: z.object({
      min: count,
      max: count,
      target: z.number(),
      rps: z.number().nullable(),
      cpu: z.number().nullable(),
      memory: z.number().nullable(),
      pause: duration.nullable(),
      sandbox: duration.nullable(),
      stop: duration.nullable(),
      remove: duration.nullable(),
      lease: duration.nullable(),
      spare: z.union([z.number().int(), z.literal('auto')]),
      window: duration,
      cooldown: duration,
      schedule: z.string().nullable().openapi({ example: 'mon-fri 08:00-18:00 Europe/Berlin min=3' }),
      predict: z.boolean(),
    }),
    depends: z.array(name),
    concurrency: count,
    wake: z.object({
      mode: z.enum(['hold', 'page']),
      timeout: duration,
      queue: count,
      ignore: texts.openapi({ description: 'Requests that wake nothing.', example: ['ua:UptimeRobot*'] }),
    }),
    drain: duration,
    timeout: z.object({ connect: duration, response: duration, idle: duration }),
    retry: count,
    rate: z.string().nullable().openapi({ example: '100/s;burst=200;key=ip' }),
    body_max: count.nullable().openapi({ description: 'Bytes.' }),
    tls: z.enum(['auto', 'off', 'only', 'passthrough']),
    headers: z.object({ request: headerRules, response: headerRules }).nullable(),
    cors: z
      .object({
        origins: texts,
        methods: texts,
        headers: texts.nullable().openapi({ description: 'Null: whatever the client asks for.' }),
        expose: texts,
        credentials: z.boolean(),
        max_age: count.nullable().openapi({ description: 'Seconds; null: the client decides.' }),
      })
      .nullable(),
    auth: z
      .object({ users: texts.openapi({ description: 'Names alone.' }), realm: z.string(), forward: z.boolean() })
      .nullable(),
    clients: z
      .object({ allow: texts, deny: texts })
      .nullable()
      .openapi({ description: 'Addresses and CIDRs; `deny` wins.' }),
    client_certificates: z
      .object({ authority: name, optional: z.boolean() })
      .nullable()
      .openapi({ description: 'Who has to have signed the certificate of a client.' }),
    redirect: z
      .object({ to: z.string().nullable(), status: z.enum(REDIRECT_STATUSES), www: z.enum(['off', 'add', 'remove']) })
      .nullable(),
    compress: z.array(z.enum(CODINGS)).nullable().openapi({ description: 'In order of preference; null: off.' }),
    hsts: z
      .object({ max_age: count.openapi({ description: 'Seconds.' }), subdomains: z.boolean(), preload: z.boolean() })
      .nullable(),
  })
  .openapi('SetPolicy');

export type PolicyJson = z.input<typeof PolicyShape>;

export function policyJson(policy: SetPolicy): PolicyJson {
  const { health, scale, timeout } = policy;
  return {
    class: policy.class,
    proto: policy.proto,
    lb: policy.lb.kind === 'hash-header' ? `hash:header:${policy.lb.header}` : policy.lb.kind.replace('-', ':'),
    sticky: policy.sticky,
    slow_start: durationOrNull(policy.slowStartMs),
    outlier: policy.outlier && { errors: policy.outlier.errors, time: formatDuration(policy.outlier.timeMs) },
    health: {
      path: health.path,
      interval: formatDuration(health.intervalMs),
      timeout: formatDuration(health.timeoutMs),
      rise: health.rise,
      fall: health.fall,
      status: health.status.join('-'),
    },
    scale: {
      min: scale.min,
      max: scale.max,
      target: scale.target,
      rps: scale.rps,
      cpu: scale.cpu,
      memory: scale.memory,
      pause: durationOrNull(scale.pauseMs),
      sandbox: durationOrNull(scale.sandboxMs),
      stop: durationOrNull(scale.stopMs),
      remove: durationOrNull(scale.removeMs),
      lease: durationOrNull(scale.leaseMs),
      spare: scale.spare,
      window: formatDuration(scale.windowMs),
      cooldown: formatDuration(scale.cooldownMs),
      schedule: scale.schedule.length === 0 ? null : formatSchedule(scale.schedule),
      predict: scale.predict,
    },
    depends: [...policy.depends],
    concurrency: policy.concurrency,
    wake: {
      mode: policy.wake,
      timeout: formatDuration(policy.wakeTimeoutMs),
      queue: policy.wakeQueue,
      ignore: (policy.wakeIgnore ?? []).map(({ kind, value }) => `${kind}:${value}`),
    },
    drain: formatDuration(policy.drainMs),
    timeout: {
      connect: formatDuration(timeout.connectMs),
      response: formatDuration(timeout.responseMs),
      idle: formatDuration(timeout.idleMs),
    },
    retry: policy.retry,
    rate: rateText(policy.rate),
    body_max: policy.bodyMaxBytes,
    tls: policy.tls,
    ...edgeJson(policy),
  };
}

/** Field by field: a hash of a password does not slip in with what is added later. */
function edgeJson(policy: EdgePolicy) {
  const { headers, cors, auth, clients, clientCertificates, redirect, compress, hsts } = policy;
  return {
    headers: headers && { request: rulesJson(headers.request), response: rulesJson(headers.response) },
    cors: cors && {
      origins: [...cors.origins],
      methods: [...cors.methods],
      headers: cors.headers && [...cors.headers],
      expose: [...cors.expose],
      credentials: cors.credentials,
      max_age: cors.maxAgeS,
    },
    auth: auth && { users: auth.users.map((user) => user.name), realm: auth.realm, forward: auth.forward },
    clients: clients && { allow: [...clients.allow], deny: [...clients.deny] },
    client_certificates: clientCertificates && {
      authority: clientCertificates.authority,
      optional: clientCertificates.optional,
    },
    redirect: redirect && { to: redirect.to, status: redirect.status, www: redirect.www },
    compress: compress && [...compress],
    hsts: hsts && { max_age: hsts.maxAgeS, subdomains: hsts.subdomains, preload: hsts.preload },
  };
}

function rulesJson({ set, remove }: HeaderRules) {
  const shown = set.map(([header, value]) => ({ name: header, value: SECRET_HEADER.test(header) ? null : value }));
  return { set: shown, remove: [...remove] };
}

function rateText(rate: SetPolicy['rate']): string | null {
  if (rate === null) return null;
  const key = typeof rate.key === 'string' ? rate.key : `header:${rate.key.header}`;
  return `${rate.perSecond}/s;burst=${rate.burst};key=${key}`;
}

function durationOrNull(ms: number | null): string | null {
  return ms === null ? null : formatDuration(ms);
}
