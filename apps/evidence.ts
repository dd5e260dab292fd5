/** Why a replica is not ready, as far as its host can tell: how its members ended, what they said, where they listen. */
import { isTidegateError } from '#core/errors';
import { MEMBER_LABEL, REPLICA_LABEL, readMemberLabel } from '#core/replica-labels';
import type { EngineContainer } from '#docker/engine';
import type { HostEngine } from '#docker/host-engine';
import type { Evidence, MemberEvidence } from './deployment-record.ts';
import type { AppsPorts, ReplicaSight } from './ports.ts';
import { placeOf } from './replica-factory.ts';

const LINES_MAX = 50;

/** Never rejects: what cannot be found out is left out. */
export async function evidenceOf(replica: ReplicaSight, ports: Pick<AppsPorts, 'engines' | 'log'>): Promise<Evidence> {
  const { host, containerId } = placeOf(replica.id);
  const nothing = { replica: replica.id, phase: replica.phase, members: [], listens: null, port: null };
  const engine = ports.engines().find((one) => one.host === host);
  if (engine === undefined) return nothing;
  try {
    return await look(engine, replica, containerId);
  } catch (error) {
    if (!isTidegateError(error)) throw error;
    ports.log.warn('what a replica died of cannot be found out', { replica: replica.id, error });
    return nothing;
  }
}

async function look(engine: HostEngine, replica: ReplicaSight, pauseId: string): Promise<Evidence> {
  const pause = await engine.inspect(pauseId);
  const members = await membersOf(engine, pause);
  const [main] = members;
  const listens = main === undefined || main.pid === 0 ? null : await engine.listeningPorts(main.id);
  const port = Number(pause.labels['tidegate.port']);
  return {
    replica: replica.id,
    phase: replica.phase,
    members: await Promise.all(members.map((one) => memberEvidence(engine, one))),
    listens: listens?.map((one) => (one.loopbackOnly ? `127.0.0.1:${one.port}` : String(one.port))) ?? null,
    port: Number.isInteger(port) && port > 0 ? port : null,
  };
}

/** In the order of their indices. */
async function membersOf(engine: HostEngine, pause: EngineContainer): Promise<readonly EngineContainer[]> {
  const replica = pause.labels[REPLICA_LABEL];
  const own = (await engine.list()).filter((one) => one.labels[REPLICA_LABEL] === replica && one.id !== pause.id);
  const index = (labels: EngineContainer['labels']): number => readMemberLabel(labels[MEMBER_LABEL])?.index ?? 0;
  const sorted = own.toSorted((a, b) => index(a.labels) - index(b.labels));
  return await Promise.all(sorted.map((one) => engine.inspect(one.id)));
}

async function memberEvidence(engine: HostEngine, member: EngineContainer): Promise<MemberEvidence> {
  return {
    name: readMemberLabel(member.labels[MEMBER_LABEL])?.name ?? member.name,
    status: member.status,
    exitCode: member.exitCode,
    oomKilled: member.oomKilled,
    lastLines: await engine.lastLogs(member.id, LINES_MAX),
  };
}
