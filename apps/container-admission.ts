/**
 * What one container may ask for: an image that can be one, texts that a process can be started with, and nothing of the
 * host that the plan does not allow.
 */
import type { ContainerSpec, Healthcheck, SetSpec } from '#core/set-spec';
import { escaped, type Judge, shown } from './admission-judge.ts';
import { admitMounts } from './mount-admission.ts';

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,255}$/;
/** `name[:tag][@digest]`, as the distribution's reference grammar has it. */
const HOST = String.raw`(?:[A-Za-z0-9](?:[-.A-Za-z0-9]*[A-Za-z0-9])?|\[[0-9a-f:]+\])(?::\d{1,5})?`;
const PART = String.raw`[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`;
const IMAGE = new RegExp(
  String.raw`^(?:sha256:[0-9a-f]{64}|(?:${HOST}/)?${PART}(?:/${PART})*(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?)$`,
);
const IMAGE_MAX = 500;
const SIGNAL = /^(?:SIG)?[A-Z][A-Z0-9+-]{1,9}$|^(?:[1-9]|[1-5]\d|6[0-4])$/;
const USER = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,63})?$/;
const CAPABILITY = /^(?:CAP_)?[A-Z][A-Z_]{1,30}$/;
const STOP_MAX_S = 3600;
/** Each check is a process that the Engine starts. */
const CHECK_EVERY_MS = { min: 500, max: 86_400_000 };
/** What Linux takes as one argument, and what it takes as all of them with a stack of 8 MiB. */
const TEXT_MAX_BYTES = 128 * 1024 - 1;
const TEXTS_MAX_BYTES = 1024 * 1024;

/** @param i of the container in its set */
export function admitContainer(spec: SetSpec, i: number, judge: Judge): void {
  const container = spec.containers[i];
  if (container === undefined) return;
  const { image, options } = container;
  const at = `/containers/${i}`;
  const of = `${at}/options`;
  const { rules } = judge;
  if (image.length > IMAGE_MAX || !IMAGE.test(image)) {
    const detail = `"${shown(image)}" is no reference of an image, such as registry.example/shop:1.4 in small letters.`;
    judge.refuse(`${at}/image`, 'bad_image', detail);
  }
  if (options.privileged && !rules.privileged) judge.notAllowed(`${of}/privileged`, 'privileged containers');
  for (const [k, one] of options.capabilities.entries()) {
    const pointer = `${of}/capabilities/${k}`;
    if (!rules.capabilities) judge.notAllowed(pointer, 'added capabilities');
    else if (!CAPABILITY.test(one)) judge.badValue(pointer, `"${shown(one)}" is no capability such as NET_ADMIN.`);
  }
  admitTexts(container, of, judge);
  if (options.user !== null && !USER.test(options.user)) {
    judge.badValue(`${of}/user`, 'user is a name or a number, with a group behind a colon if need be: 1000:1000.');
  }
  if (options.stopSignal !== null && !SIGNAL.test(options.stopSignal)) {
    judge.badValue(`${of}/stop_signal`, 'stop_signal is the name of a signal such as SIGTERM.');
  }
  if (options.stopTimeoutS !== null && !(options.stopTimeoutS <= STOP_MAX_S)) {
    judge.badValue(`${of}/stop_timeout`, 'stop_timeout is an hour at most.');
  }
  if (options.workdir !== null && !/^\/\P{Cc}*$/u.test(options.workdir)) {
    judge.badValue(`${of}/workdir`, 'workdir is an absolute path.');
  }
  if (options.healthcheck !== null) admitHealthcheck(options.healthcheck, `${of}/health`, judge);
  admitMounts(options, of, spec.volume, judge);
}

function admitTexts({ options }: ContainerSpec, of: string, judge: Judge): void {
  const env = Object.entries(options.env);
  for (const [name] of env) {
    if (ENV_NAME.test(name)) continue;
    const detail = `"${shown(name)}" cannot be the name of a variable: letters, digits and "_", no digit first.`;
    judge.refuse(`${of}/env/${escaped(name)}`, 'bad_name', detail);
  }
  const texts = [
    ...env.map(([name, value]) => ({ pointer: `${of}/env/${escaped(name)}`, text: `${name}=${value}` })),
    ...(options.command ?? []).map((text, k) => ({ pointer: `${of}/command/${k}`, text })),
    ...(options.entrypoint ?? []).map((text, k) => ({ pointer: `${of}/entrypoint/${k}`, text })),
    ...(options.healthcheck?.test ?? []).map((text, k) => ({ pointer: `${of}/health/test/${k}`, text })),
  ];
  let total = 0;
  for (const { pointer, text } of texts) {
    const bytes = Buffer.byteLength(text);
    total += bytes;
    if (text.includes('\0')) judge.badValue(pointer, 'It holds a NUL, which no process can be given: leave it out.');
    if (bytes > TEXT_MAX_BYTES) {
      judge.refuse(pointer, 'too_large', 'A process is given 128 KiB in one text at most: put it into a file.');
    }
  }
  if (total > TEXTS_MAX_BYTES) {
    const detail = 'Variables, command and entrypoint together have 1 MiB at most: put the rest into files.';
    judge.refuse(of, 'too_large', detail);
  }
}

function admitHealthcheck({ test, ...times }: Healthcheck, at: string, judge: Judge): void {
  if (test.length === 0 || (test[0] === 'CMD-SHELL' && test.length !== 2) || (test[0] === 'CMD' && test.length < 2)) {
    judge.badValue(`${at}/test`, 'test is a command in words, or CMD-SHELL and one line.');
  }
  const { min, max } = CHECK_EVERY_MS;
  for (const [key, ms, least] of [
    ['interval', times.intervalMs, min],
    ['timeout', times.timeoutMs, 1],
    ['start_period', times.startPeriodMs, 0],
  ] as const) {
    if (ms >= least && ms <= max) continue;
    judge.badValue(`${at}/${key}`, `${key} is ${least} ms at least, and a day at most.`);
  }
}
