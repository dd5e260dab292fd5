/**
 * Bridge networks that Tidegate makes, one for each app: containers of one app find each other in it by name, and those
 * of other apps are kept out by the Engine. Networks without labels of ours are never touched.
 */
import { networkInterfaces } from 'node:os';
import { messageOf, TidegateError } from '#core/errors';
import type { EngineClient } from './engine-client.ts';
import { isRefusal } from './engine-error.ts';
import type { EngineThing, Removal, ThingPlan } from './host-engine.ts';
import { carriesOurLabel, isOfSameApp } from './ownership.ts';
import { filters, request } from './request.ts';
import { freeSubnets } from './subnets.ts';

const READ_MS = 5000;
const CHANGE_MS = 30_000;
/** Subnets tried: others may take the same ones at the same time. */
const SUBNET_TRIES = 20;

/** The Engine's pools are used up, in the words of 20.10 and of 27. */
const NO_POOL = /non-overlapping IPv4 address pool|predefined address pools/i;
const OVERLAP = /overlaps|overlap with/i;
const THERE = /already exists/i;

interface Network extends EngineThing {
  readonly subnets: readonly string[];
  readonly createdAt: string;
}

export class Networks {
  readonly #client: EngineClient;
  /** Whether the Engine's bridges are this machine's. */
  readonly #local: boolean;
  /** By name: two who want the same network get the same one. */
  readonly #making = new Map<string, Promise<string>>();

  constructor(client: EngineClient, local: boolean) {
    this.#client = client;
    this.#local = local;
  }

  /** As in {@link HostEngine.ensureNetwork}. */
  ensure(plan: ThingPlan): Promise<string> {
    const known = this.#making.get(plan.name);
    if (known !== undefined) return known;
    const making = this.#ensure(plan).finally(() => this.#making.delete(plan.name));
    this.#making.set(plan.name, making);
    return making;
  }

  /** Null: there is none. @throws TidegateError `engine.not_ours` */
  async idOf(name: string): Promise<string | null> {
    return (await this.#oldestFirst(name))[0]?.id ?? null;
  }

  async remove(name: string): Promise<Removal> {
    let removal: Removal = 'gone';
    for (const { id } of await this.#oldestFirst(name)) {
      const one = await this.#remove(id);
      if (one === 'in-use') return one;
      if (one === 'removed') removal = one;
    }
    return removal;
  }

  async list(): Promise<readonly EngineThing[]> {
    const ours = (await this.#all()).filter(({ labels }) => carriesOurLabel(labels));
    return ours.map(({ id, name, labels }) => ({ id, name, labels }));
  }

  async #ensure(plan: ThingPlan): Promise<string> {
    const [present] = await this.#oldestFirst(plan.name, plan.labels);
    if (present !== undefined) return present.id;
    await this.#create(plan);
    // Names of networks are not unique: another Tidegate may have made one at the same moment. Both take the older, and
    // the younger goes, as the Engine refuses a name that means two.
    const [made, ...younger] = await this.#oldestFirst(plan.name, plan.labels);
    if (made === undefined) throw new TidegateError('engine.refused', `network ${plan.name}: made, and gone at once`);
    for (const { id } of younger) await this.#remove(id);
    return made.id;
  }

  /** @throws TidegateError `engine.not_ours` */
  async #oldestFirst(name: string, wanted?: ThingPlan['labels']): Promise<Network[]> {
    const found = await this.#named(name);
    const isRight = ({ labels }: Network): boolean =>
      wanted === undefined ? carriesOurLabel(labels) : isOfSameApp(labels, wanted);
    if (!found.every(isRight)) throw notOurs(name);
    return found.sort((a, b) => a.createdAt.localeCompare(b.createdAt) || a.id.localeCompare(b.id));
  }

  async #create(plan: ThingPlan): Promise<void> {
    const refusal = await this.#tryCreate(plan, null);
    if (refusal === null || THERE.test(refusal.message)) return;
    if (!NO_POOL.test(refusal.message)) throw refusal;
    const taken = (await this.#all()).flatMap(({ subnets }) => subnets).concat(this.#local ? localSubnets() : []);
    let tries = 0;
    for (const subnet of freeSubnets(taken, plan.name)) {
      const failure = await this.#tryCreate(plan, subnet);
      if (failure === null || THERE.test(failure.message)) return;
      tries++;
      if (!OVERLAP.test(failure.message) || tries >= SUBNET_TRIES) throw failure;
    }
    throw new TidegateError('engine.refused', `network ${plan.name}: no subnet is left for it`, { cause: refusal });
  }

  /** @returns the refusal; null: it is made */
  async #tryCreate(
    { name, labels, isClosed = false }: ThingPlan,
    subnet: string | null,
  ): Promise<TidegateError | null> {
    const body = {
      Name: name,
      Driver: 'bridge',
      CheckDuplicate: true,
      Labels: labels,
      ...(isClosed ? { Internal: true, Options: { 'com.docker.network.bridge.enable_icc': 'false' } } : {}),
      ...(subnet === null ? {} : { IPAM: { Driver: 'default', Config: [{ Subnet: subnet }] } }),
    };
    const call = { name: `create network ${name}`, deadlineMs: CHANGE_MS, slow: true };
    try {
      await this.#client.call(call, (docker, signal) =>
        request(docker, { method: 'POST', path: '/networks/create', body }, signal),
      );
      return null;
    } catch (error) {
      if (error instanceof TidegateError && error.code === 'engine.refused') return error;
      throw error;
    }
  }

  async #remove(id: string): Promise<Removal> {
    const call = { name: `remove network ${id}`, deadlineMs: CHANGE_MS, slow: true };
    try {
      await this.#client.call(call, (docker, signal) =>
        request(docker, { method: 'DELETE', path: `/networks/${encodeURIComponent(id)}` }, signal),
      );
      return 'removed';
    } catch (error) {
      if (isRefusal(error, 404)) return 'gone';
      if (/active endpoints|in use/i.test(messageOf(error))) return 'in-use';
      throw error;
    }
  }

  async #named(name: string): Promise<Network[]> {
    // The Engine takes the name as a part of names.
    return (await this.#all({ name: [name] })).filter((network) => network.name === name);
  }

  async #all(wanted?: Readonly<Record<string, readonly string[]>>): Promise<Network[]> {
    const query = wanted === undefined ? {} : filters(wanted);
    const answer = await this.#client.call({ name: 'list networks', deadlineMs: READ_MS }, (docker, signal) =>
      request(docker, { method: 'GET', path: '/networks', query }, signal),
    );
    return Array.isArray(answer) ? answer.flatMap((line: unknown) => networkFrom(line) ?? []) : [];
  }
}

function networkFrom(line: unknown): Network | null {
  const answer = line as {
    readonly Id?: unknown;
    readonly Name?: unknown;
    readonly Created?: unknown;
    readonly Labels?: Readonly<Record<string, string>> | null;
    readonly IPAM?: { readonly Config?: readonly { readonly Subnet?: unknown }[] | null } | null;
  } | null;
  if (typeof answer?.Id !== 'string' || typeof answer.Name !== 'string') return null;
  const subnets = (answer.IPAM?.Config ?? []).map(({ Subnet }) => String(Subnet));
  const createdAt = String(answer.Created ?? '');
  return { id: answer.Id, name: answer.Name, labels: answer.Labels ?? {}, subnets, createdAt };
}

/** What this machine has addresses in: a bridge over it would cut it off. */
function localSubnets(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).flatMap(({ family, cidr }) => (family === 'IPv4' && cidr !== null ? [cidr] : [])),
  );
}

function notOurs(name: string): TidegateError {
  return new TidegateError('engine.not_ours', `the network ${name} is not of Tidegate, or of another app`);
}
