/**
 * Labels of a compose service as the policy of its set, with what compose says elsewhere: port, scale, dependencies. What
 * the labels themselves say goes before it.
 */
import { SET_CLASSES, type SetClass } from '#core/set';
import type { VolumeMount } from '#core/set-spec';
import type { ComposeMap } from './compose-node.ts';
import type { ComposeReader } from './compose-reader.ts';
import type { ServicePorts } from './service-ports.ts';

const PREFIX = 'tidegate.';
/** A container that is deployed needs none of them: the app and the name of the service say it. */
const IDENTITY = ['tidegate.enable', 'tidegate.app', 'tidegate.set', 'tidegate.tenant'];
const SCALE = `${PREFIX}scale.`;
const HOST = /^tidegate\.(?:host|route\.[^.]+\.host)$/;

export interface LabelFacts {
  readonly reader: ComposeReader;
  readonly ports: ServicePorts;
  readonly volumes: readonly VolumeMount[];
  readonly depends: readonly string[];
  readonly replicas: number | null;
}

export function readLabels(
  service: ComposeMap,
  name: string,
  { reader, ports, volumes, depends, replicas }: LabelFacts,
): { readonly class: SetClass; readonly labels: Readonly<Record<string, string>> } {
  const labels: Record<string, string> = {};
  if (ports.main !== null) labels[`${PREFIX}port`] = String(ports.main);
  if (depends.length > 0) labels[`${PREFIX}depends`] = depends.join(',');
  if (replicas !== null) {
    labels[`${PREFIX}scale.min`] = String(replicas);
    labels[`${PREFIX}scale.max`] = String(Math.max(1, replicas));
  }
  const written = new Map<string, string>();
  for (const [label, { place, value }] of reader.pairs(service.entries.get('labels')?.value, `${name}.labels`)) {
    if (IDENTITY.includes(label)) {
      reader.note(place, `${name}: ${label} is left out: the app that is deployed and the name of the service say it.`);
    } else if (label.startsWith(PREFIX)) written.set(label, value ?? '');
    else reader.note(place, `${name}: the label ${label.slice(0, 64)} is left out; only those of Tidegate are kept.`);
  }
  const said = written.get(`${PREFIX}class`);
  const isRouted = ports.isRouted || [...written.keys()].some((label) => HOST.test(label));
  // Two that write to one volume would harm it: the old one has to be gone before the new one starts.
  // What is scaled, or put to sleep, is not of that kind.
  const isScaled = (replicas ?? 1) !== 1 || [...written.keys()].some((label) => label.startsWith(SCALE));
  const keepsData = volumes.some((one) => !one.readonly) && !isScaled;
  const inferred: SetClass = isRouted ? 'app' : keepsData ? 'data' : 'tool';
  const setClass = SET_CLASSES.find((one) => one === said) ?? inferred;
  labels[`${PREFIX}class`] = setClass;
  if (said === undefined && !isRouted) {
    const why =
      setClass === 'data' ? 'one replica, stopped before its successor starts' : 'reached by sets of the app alone';
    reader.note(service.place, `${name}: no port is to be served, so it is of class ${setClass}: ${why}.`);
  }
  return { class: setClass, labels: { ...labels, ...Object.fromEntries(written) } };
}
