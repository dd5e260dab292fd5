/**
 * Reads golden cases: labels and the rest of a container above, what they come to below. A case states only what differs
 * from the container, the surroundings and the outcome here; a new case needs no code.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { readMemberLabel } from '#core/replica-labels';
import { DEFAULT_POLICY, type RouteSpec, type SetPolicy } from '#core/set';
import type { Reach } from '#discovery/addresses';
import type { Pod } from '#discovery/pod';
import { type Contribution, type Translation, translate } from '#discovery/translation';
import type { EngineContainer } from '#docker/engine';

export interface GoldenCase {
  /** What it shows, as a sentence. */
  readonly case: string;
  /** Added to `tidegate.app=shop`; null takes a label away. */
  readonly labels?: Readonly<Record<string, string | null>>;
  readonly container?: Partial<EngineContainer>;
  readonly reach?: Partial<Reach>;
  readonly baseDomain?: string;
  /** Further containers of the host. */
  readonly others?: readonly Partial<EngineContainer>[];
  readonly expect: Partial<Outcome>;
}

export interface Outcome {
  readonly set: string | null;
  /** By name (empty: the main route); `rejected`, or what it claims: `hostname/path`, then `strip` and `to <port>`. */
  readonly routes: Readonly<Record<string, readonly string[] | 'rejected'>> | null;
  /** What differs from the defaults, or `rejected`. */
  readonly policy: Readonly<Record<string, unknown>> | 'rejected' | null;
  /** Endpoints as `<port> at <host>:<port>`; of the rest what differs from the defaults. */
  readonly replica: Readonly<Record<string, unknown>> | null;
  readonly rejected: readonly string[];
  readonly unknown: readonly string[];
  readonly ignored: string | null;
}

export interface GoldenFile {
  readonly name: string;
  readonly cases: readonly GoldenCase[];
}

const CONTAINER: EngineContainer = {
  id: 'a'.repeat(64),
  name: 'shop-1',
  image: 'shop:1',
  labels: {},
  status: 'running',
  createdAt: 1000,
  startedAt: '2026-01-01T00:00:00Z',
  exitCode: null,
  imageId: 'sha256:app',
  oomKilled: false,
  pid: 4711,
  hasHealthcheck: false,
  exposedPorts: [8080],
  published: [],
  networkMode: 'bridge',
  networks: [{ name: 'bridge', ip: '172.17.0.2' }],
  stopTimeoutS: 10,
  stopSignal: 'SIGTERM',
};
const LABELS = { 'tidegate.app': 'shop' };
const REACH: Reach = { bridgeReachable: true, gatewayNetworks: null, publishedHost: '127.0.0.1' };
const OUTCOME: Outcome = {
  set: 'default/shop/web',
  routes: { '': ['shop.localhost/'] },
  policy: {},
  replica: { endpoints: ['8080 at 172.17.0.2:8080'] },
  rejected: [],
  unknown: [],
  ignored: null,
};
const LEFT_OUT: Outcome = { ...OUTCOME, set: null, routes: null, policy: null, replica: null };

/** A container like that of the cases. */
export function goldenContainer(overrides: Partial<EngineContainer> = {}): EngineContainer {
  return { ...CONTAINER, ...overrides };
}

export function goldenFiles(): readonly GoldenFile[] {
  const folder = new URL('golden/', import.meta.url);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => ({
      name: file.slice(0, -'.json'.length),
      cases: JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as readonly GoldenCase[],
    }));
}

/** The labels of a case as its container carries them. */
export function labelsOf(golden: GoldenCase): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...LABELS, ...golden.labels })) if (value !== null) labels[name] = value;
  return labels;
}

export function translationOf(golden: GoldenCase, labels = labelsOf(golden)): Translation {
  const others = (golden.others ?? []).map(goldenContainer);
  return translate(goldenContainer({ ...golden.container, labels }), {
    host: 'local',
    baseDomain: golden.baseDomain ?? 'localhost',
    reach: { ...REACH, ...golden.reach },
    lookup: (reference) => others.find((one) => one.id === reference || one.name === reference) ?? null,
    pod: (replica) => podOf(replica, others),
  });
}

/** The members among the other containers of a case, the main one first. */
function podOf(replica: string, others: readonly EngineContainer[]): Pod {
  const members = others.flatMap((container) => {
    const name = readMemberLabel(container.labels['tidegate.member']);
    const isOfIt = container.labels['tidegate.replica'] === replica;
    return name !== null && isOfIt ? [{ ...name, container, stopping: false }] : [];
  });
  members.sort((a, b) => a.index - b.index);
  return { members, main: members[0] ?? null, isWhole: true, wasWhole: true };
}

/** What a case comes to. */
export function outcomeOf(golden: GoldenCase): Outcome {
  const { contribution, ignored, rejections, unknown } = translationOf(golden);
  return {
    ...(contribution === null ? LEFT_OUT : describe(contribution)),
    rejected: rejections.map((one) => one.message),
    unknown: unknown.map((one) => one.message),
    ignored,
  };
}

/** What a case has to come to. */
export function expectedOf(golden: GoldenCase): Outcome {
  const { expect } = golden;
  if (expect.set === null) return { ...LEFT_OUT, ...expect };
  return { ...OUTCOME, ...expect, replica: { ...OUTCOME.replica, ...expect.replica } };
}

function describe(contribution: Contribution): Pick<Outcome, 'set' | 'routes' | 'policy' | 'replica'> {
  const { identity, policy, routes, replica } = contribution;
  const { endpoints, status, unroutable, revision, weight, cloneOf } = replica;
  return {
    set: identity.key,
    routes: Object.fromEntries(routes.map(({ name, specs }) => [name, specs?.map(describeRoute) ?? 'rejected'])),
    policy: policy === null ? 'rejected' : difference(policy),
    replica: {
      endpoints: endpoints.map((one) => `${one.port} at ${one.dialHost}:${one.dialPort}`),
      ...(status === 'running' ? {} : { status }),
      ...(unroutable === null ? {} : { unroutable }),
      ...(revision === null ? {} : { revision }),
      ...(weight === 100 ? {} : { weight }),
      ...(cloneOf === null ? {} : { cloneOf }),
    },
  };
}

function describeRoute(spec: RouteSpec): string {
  return `${spec.hostname}${spec.path}${spec.strip ? ' strip' : ''}${spec.port === null ? '' : ` to ${spec.port}`}`;
}

function difference(policy: SetPolicy): Record<string, unknown> {
  const flat = flatten(policy);
  const defaults = flatten(DEFAULT_POLICY);
  return Object.fromEntries(
    Object.entries(flat).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(defaults[name])),
  );
}

/** One level deep: `{ scale: { min: 0 } }` becomes `{ 'scale.min': 0 }`. */
function flatten(policy: SetPolicy): Record<string, unknown> {
  const flat: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(policy)) {
    if (name === 'health' || name === 'scale' || name === 'timeout') {
      for (const [inner, part] of Object.entries(value as object)) flat[`${name}.${inner}`] = part;
    } else flat[name] = value;
  }
  return flat;
}
