/**
 * What a tenant may ask of a host. A set gets containers like any other; whatever would give it more than that (the
 * host's namespaces, paths, devices, the Engine itself) is refused unless the plan of the tenant allows it, and what no
 * Engine could run is refused whoever asks.
 */
import { isName } from '#core/name';
import type { SetSpec } from '#core/set-spec';
import { type AdmissionFault, type AdmissionRules, escaped, Judge, shown } from './admission-judge.ts';
import { admitContainer } from './container-admission.ts';
import { admitVolume } from './mount-admission.ts';
import { percentOf } from './replica-planning.ts';

/** What the Engine takes at least, of each container. */
const MEMORY_MIN_BYTES = 6 * 1024 ** 2;
const CPU_MIN = 0.01;
/** More than any host has: what is beyond is a slip. */
const MEMORY_MAX_BYTES = 64 * 1024 ** 4;
const CPU_MAX = 1024;
/** Settings of the network and IPC namespaces of a replica; none of them reaches beyond it. */
const SYSCTLS: readonly RegExp[] = [
  /^net\.core\.somaxconn$/,
  /^net\.ipv4\.(?:ip_local_port_range|ip_unprivileged_port_start|tcp_[a-z0-9_]+|ping_group_range)$/,
  /^net\.ipv6\.conf\.(?:all|default)\.disable_ipv6$/,
  /^kernel\.(?:shm[a-z_]+|msg[a-z_]+|sem)$/,
  /^fs\.mqueue\.[a-z_]+$/,
];
const LABEL = /^tidegate\.[a-zA-Z0-9._-]{1,200}$/;
/** Written by Tidegate itself. */
const RESERVED = /^tidegate\.(?:tenant|app|set|enable|revision|weight|replica|role|members?|instance|clone\.of)$/;
const PRIVILEGED_PORTS = 1024;

/** All that stands against a spec; empty: it may be kept. */
export function admit(spec: SetSpec, rules: AdmissionRules): readonly AdmissionFault[] {
  const judge = new Judge(rules);
  for (const i of spec.containers.keys()) admitContainer(spec, i, judge);
  admitResources(spec, judge);
  admitHost(spec, judge);
  admitSysctls(spec, judge);
  if (spec.volume !== null) admitVolume(spec.volume, '/volume', judge);
  for (const [i, app] of spec.links.entries()) {
    if (!isName(app)) judge.refuse(`/links/${i}`, 'bad_name', `"${shown(app)}" cannot be the name of an app.`);
  }
  for (const label of Object.keys(spec.labels)) {
    if (LABEL.test(label) && !RESERVED.test(label)) continue;
    const detail = `"${shown(label)}" is not for a set to say: Tidegate writes labels itself. Leave it out.`;
    judge.refuse(`/labels/${escaped(label)}`, 'reserved', detail);
  }
  return judge.faults;
}

function admitResources(spec: SetSpec, judge: Judge): void {
  const { cpu, memory } = spec.resources;
  if (cpu !== null && !(cpu >= CPU_MIN && cpu <= CPU_MAX)) {
    judge.badValue('/resources/cpu', `cpu is ${CPU_MIN} to ${CPU_MAX} cores.`);
  } else if (cpu !== null && isTooLittle(spec, 'cpu', cpu, CPU_MIN)) {
    judge.badValue(
      '/resources/cpu',
      `Each container needs ${CPU_MIN} cores: give the set more, or share it otherwise.`,
    );
  }
  if (memory === null) return;
  const least = MEMORY_MIN_BYTES * spec.containers.length;
  if (!(memory >= least && memory <= MEMORY_MAX_BYTES)) {
    const detail = `memory is ${least / 1024 ** 2} MiB at least, 6 for each container, and ${MEMORY_MAX_BYTES / 1024 ** 4} TiB at most.`;
    judge.badValue('/resources/memory', detail);
  } else if (isTooLittle(spec, 'mem', memory, MEMORY_MIN_BYTES)) {
    judge.badValue('/resources/memory', 'Each container needs 6 MiB: give the set more, or share it otherwise.');
  }
}

/** Whether a container comes to less than it needs, but for a rounding of thirds. */
function isTooLittle(spec: SetSpec, kind: 'cpu' | 'mem', whole: number, least: number): boolean {
  return spec.containers.some((one) => (whole * percentOf(spec, one, kind)) / 100 < least * (1 - 1e-9));
}

/** What a set would have of the host: its namespaces and ports. */
function admitHost({ hostNamespaces, publish }: SetSpec, judge: Judge): void {
  const { rules } = judge;
  if (hostNamespaces.length > 0 && !rules.host_namespaces) {
    judge.notAllowed('/host_namespaces', 'namespaces of the host');
  }
  if (publish.length > 0 && !rules.publish_ports) judge.notAllowed('/publish', 'ports of the host');
  const bound: { pointer: string; of: string }[] = [];
  for (const [i, { hostPort }] of publish.entries()) {
    if (hostPort === null) continue;
    const pointer = `/publish/${i}/host_port`;
    bound.push({ pointer, of: String(hostPort) });
    if (hostPort < PRIVILEGED_PORTS && !rules.host_namespaces) {
      judge.notAllowed(pointer, `a port of the host below ${PRIVILEGED_PORTS}`);
    }
  }
  judge.repeated(bound, (of) => `Port ${of} of the host can be bound once; choose another, or none.`);
}

function admitSysctls({ sysctls, hostNamespaces }: SetSpec, judge: Judge): void {
  for (const [name, value] of Object.entries(sysctls)) {
    const pointer = `/sysctls/${escaped(name)}`;
    if (!judge.rules.sysctls) judge.notAllowed(pointer, 'sysctls');
    else if (!SYSCTLS.some((one) => one.test(name))) {
      const detail = `"${shown(name)}" is not a setting of a replica's own namespaces, but of the whole host: leave it out.`;
      judge.refuse(pointer, 'not_allowed', detail);
    } else if (hostNamespaces.includes(name.startsWith('net.') ? 'network' : 'ipc')) {
      judge.refuse(
        pointer,
        'contradiction',
        `${name} would be the host's: the set has no namespace of its own for it.`,
      );
    }
    if (!/^[\w .,:/-]{1,200}$/.test(value)) judge.badValue(pointer, `The value of ${shown(name)} cannot be used.`);
  }
}
