/**
 * What a tenant may ask of a host. A set gets a container like any other; whatever would give it more than that (the
 * host's namespaces, paths, devices, the Engine itself) is refused unless the plan of the tenant allows it.
 */
import type { ContainerSpec, SetSpec } from '#core/set-spec';

/** What the plan allows. */
export interface AdmissionRules {
  readonly privileged: boolean;
  readonly host_namespaces: boolean;
  readonly binds: boolean;
  readonly capabilities: boolean;
  readonly devices: boolean;
  readonly publish_ports: boolean;
  readonly sysctls: boolean;
}

export interface AdmissionFault {
  /** JSON pointer into the set. */
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

/** What the Engine takes at least. */
const MEMORY_MIN_BYTES = 6 * 1024 * 1024;
const CPU_MAX = 1024;
/** Settings of the network and IPC namespaces of a replica; none of them reaches beyond it. */
const SYSCTLS: readonly RegExp[] = [
  /^net\.core\.somaxconn$/,
  /^net\.ipv4\.(?:ip_local_port_range|ip_unprivileged_port_start|tcp_[a-z0-9_]+|ping_group_range)$/,
  /^net\.ipv6\.conf\.(?:all|default)\.disable_ipv6$/,
  /^kernel\.(?:shm[a-z]+|msg[a-z]+|sem)$/,
  /^fs\.mqueue\.[a-z_]+$/,
];
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,255}$/;
const NAME = /^[a-z0-9](?:[-a-z0-9_.]{0,62}[a-z0-9])?$/i;
/** `name[:tag][@digest]`, as the distribution's reference grammar has it. */
const IMAGE =
  /^(?:sha256:[0-9a-f]{64}|(?:[a-z0-9](?:[-.a-z0-9]*[a-z0-9])?(?::\d{1,5})?\/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?)$/i;
const SIGNAL = /^(?:SIG)?[A-Z0-9+]{2,10}$|^\d{1,2}$/;
/** Mounted there, a volume hides what a container needs to run, or what keeps it in. */
const CLOSED_PATHS = ['/', '/proc', '/sys', '/dev', '/etc', '/bin', '/sbin', '/lib', '/lib64', '/usr'];
/** Written by Tidegate itself. */
const RESERVED = /^tidegate\.(?:tenant|app|set|enable|revision|weight|replica|role|member|instance|clone\.of)$/;

/** All that stands against a spec; empty: it may be kept. */
export function admit(spec: SetSpec, rules: AdmissionRules): readonly AdmissionFault[] {
  const faults: AdmissionFault[] = [];
  const refuse = (pointer: string, code: string, detail: string): void => void faults.push({ pointer, code, detail });
  const notAllowed = (pointer: string, what: string): void =>
    refuse(pointer, 'not_allowed', `${what}: the plan of this tenant does not allow it.`);
  for (const [i, container] of spec.containers.entries()) admitContainer(container, i, { rules, refuse, notAllowed });
  const { cpu, memory } = spec.resources;
  if (cpu !== null && (!(cpu >= 0.01) || cpu > CPU_MAX))
    refuse('/resources/cpu', 'bad_value', `cpu is 0.01 to ${CPU_MAX} cores.`);
  if (memory !== null) {
    const least = MEMORY_MIN_BYTES * spec.containers.length;
    if (memory < least)
      refuse('/resources/memory', 'bad_value', `memory is ${least / 1024 ** 2} MiB at least: 6 for each container.`);
  }
  if (spec.hostNamespaces.length > 0 && !rules.host_namespaces)
    notAllowed('/host_namespaces', 'namespaces of the host');
  if (spec.publish.length > 0 && !rules.publish_ports) notAllowed('/publish', 'ports of the host');
  for (const [i, { hostPort }] of spec.publish.entries()) {
    if (hostPort !== null && hostPort < 1024 && !rules.host_namespaces)
      notAllowed(`/publish/${i}/host_port`, 'a port of the host below 1024');
  }
  for (const [name, value] of Object.entries(spec.sysctls)) {
    const pointer = `/sysctls/${name}`;
    if (!rules.sysctls) notAllowed(pointer, 'sysctls');
    else if (!SYSCTLS.some((one) => one.test(name)))
      refuse(pointer, 'not_allowed', `"${name}" is not a setting of a replica's own namespaces.`);
    if (!/^[\w .,:/-]{1,200}$/.test(value)) refuse(pointer, 'bad_value', `The value of ${name} cannot be used.`);
  }
  if (spec.volume !== null) admitVolume(spec.volume, '/volume', refuse);
  for (const label of Object.keys(spec.labels)) {
    if (RESERVED.test(label)) refuse(`/labels/${label}`, 'reserved', `"${label}" is written by Tidegate itself.`);
  }
  return faults;
}

type Refuse = (pointer: string, code: string, detail: string) => void;

interface Judge {
  readonly rules: AdmissionRules;
  readonly refuse: Refuse;
  readonly notAllowed: (pointer: string, what: string) => void;
}

function admitContainer({ image, options }: ContainerSpec, i: number, { rules, refuse, notAllowed }: Judge): void {
  const at = `/containers/${i}`;
  const of = `${at}/options`;
  if (!IMAGE.test(image)) refuse(`${at}/image`, 'bad_image', `"${image.slice(0, 200)}" is no reference of an image.`);
  if (options.privileged && !rules.privileged) notAllowed(`${of}/privileged`, 'privileged containers');
  if (options.capabilities.length > 0 && !rules.capabilities) notAllowed(`${of}/capabilities`, 'added capabilities');
  if (options.devices.length > 0 && !rules.devices) notAllowed(`${of}/devices`, 'devices of the host');
  if (options.binds.length > 0 && !rules.binds) notAllowed(`${of}/binds`, 'paths of the host');
  for (const name of Object.keys(options.env)) {
    if (!ENV_NAME.test(name))
      refuse(`${of}/env/${name}`, 'bad_name', `"${name.slice(0, 64)}" cannot be the name of a variable.`);
  }
  const texts = [...(options.command ?? []), ...(options.entrypoint ?? []), ...Object.values(options.env)];
  if (texts.some((one) => one.includes('\0'))) refuse(of, 'bad_value', 'A text holds a NUL.');
  if (options.stopSignal !== null && !SIGNAL.test(options.stopSignal))
    refuse(`${of}/stop_signal`, 'bad_value', 'stop_signal is the name of a signal.');
  if (options.stopTimeoutS !== null && options.stopTimeoutS > 3600)
    refuse(`${of}/stop_timeout`, 'bad_value', 'stop_timeout is an hour at most.');
  if (options.workdir !== null && !options.workdir.startsWith('/'))
    refuse(`${of}/workdir`, 'bad_value', 'workdir is an absolute path.');
  for (const [k, volume] of options.volumes.entries()) admitVolume(volume, `${of}/volumes/${k}`, refuse);
}

function admitVolume(
  { name, path }: { readonly name: string; readonly path: string },
  at: string,
  refuse: Refuse,
): void {
  if (!NAME.test(name))
    refuse(
      `${at}/name`,
      'bad_name',
      `"${name.slice(0, 64)}" cannot be the name of a volume; paths of the host are \`binds\`.`,
    );
  const clean = path.replace(/\/+/g, '/').replace(/(?<=.)\/$/, '');
  if (!path.startsWith('/') || clean.split('/').includes('..') || path.includes('\0') || path.includes(':')) {
    refuse(`${at}/path`, 'bad_value', 'path is an absolute path without "..".');
  } else if (
    CLOSED_PATHS.some(
      (one) => clean === one || (one !== '/' && /^\/(?:proc|sys|dev)$/.test(one) && clean.startsWith(`${one}/`)),
    )
  ) {
    refuse(`${at}/path`, 'bad_value', `Nothing can be mounted at ${clean}.`);
  }
}
