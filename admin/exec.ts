/** Endpoint of commands: says what is to run and where, and hands out the ticket that a WebSocket is opened with. */
import { z } from '@hono/zod-openapi';
import { pause } from '#core/clock';
import { EXEC_PROTOCOL } from '#core/exec-protocol';
import { type Call, type Endpoints, invalid } from './endpoint.ts';
import { type ExecTarget, isAwake, setOf, targetOf } from './exec-target.ts';
import { type ExecTickets, TICKET_MS } from './exec-tickets.ts';
import type { KnownSets } from './known-sets.ts';
import type { AdminPorts } from './ports.ts';
import { Problem } from './problem.ts';
import { ProblemShape } from './shapes.ts';
import { timeOf } from './time.ts';

export const EXEC_PATH = '/v1/exec';
const WAKE_MS = 60_000;
const THAW_MS = 10_000;
const POLL_MS = 25;
const WORDS_MAX = 1000;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

const text = (max: number) =>
  z
    .string()
    .max(max)
    .refine((value) => !value.includes('\0'), 'It holds a zero byte');
const size = z.number().int().min(1).max(1000);

const ExecRequest = z
  .strictObject({
    set: z.string().optional().openapi({ description: 'May be left out when the app has one.' }),
    replica: z
      .string()
      .optional()
      .openapi({ description: 'Name or id of a replica; left out: one that takes requests.' }),
    member: z.string().optional().openapi({ description: 'Container of the replica; left out: the main one.' }),
    command: z
      .array(text(131_072))
      .min(1)
      .max(WORDS_MAX)
      .openapi({ example: ['sh', '-c', 'ls'], description: 'The program and its arguments; no shell reads them.' }),
    tty: z.boolean().default(false),
    env: z.record(z.string(), text(131_072)).default({}),
    workdir: text(4096).optional(),
    user: text(256).optional().openapi({ description: 'As the container knows it: `name`, `uid` or `uid:gid`.' }),
    cols: size.default(80),
    rows: size.default(24),
  })
  .openapi('ExecRequest');

const ExecShape = z
  .object({
    ticket: z.string().openapi({ description: 'Opens one WebSocket, once.' }),
    url: z.string().openapi({
      description: `Path to open with the subprotocol \`${EXEC_PROTOCOL}\`. Messages are binary, and their first byte is a channel: 0 input (no bytes: its end), 1 output, 2 errors, 3 status as JSON, 4 size of the terminal as JSON, 5 name of a signal.`,
      example: '/v1/exec?ticket=…',
    }),
    expires_at: z.string().openapi({ format: 'date-time' }),
    set: z.string(),
    replica: z.string(),
    container_id: z.string(),
  })
  .openapi('ExecTicket');

const AppParams = z.object({ app: z.string() });
const ExecQuery = z.object({
  wake: z
    .enum(['true', 'false'])
    .optional()
    .openapi({ description: 'Wakes the app when none of the set runs, and waits for it.' }),
});

type ExecCall = Call<typeof AppParams, typeof ExecQuery, typeof ExecRequest>;

export function addExec(endpoints: Endpoints, known: KnownSets, ports: AdminPorts, tickets: ExecTickets): void {
  addSocketPath(endpoints);
  endpoints.add(
    {
      method: 'post',
      path: '/v1/apps/{app}/exec',
      id: 'execInApp',
      summary: 'Prepares a command in a container of an app; a WebSocket then runs it',
      needs: 'manage',
      params: AppParams,
      query: ExecQuery,
      body: ExecRequest,
      answer: ExecShape,
      status: 201,
      shownOnce: ['ticket', 'url'],
      problems: ['not_found', 'not_running', 'unavailable'],
    },
    async (call) => {
      if (ports.exec === undefined) return new Problem('unavailable', { detail: 'No command can be run here.' });
      const { scope, params, body } = call;
      const wrong = Object.keys(body.env).find((name) => !ENV_NAME.test(name));
      if (wrong !== undefined) {
        return invalid([{ pointer: '/env', code: 'bad_value', detail: `"${wrong}" cannot name a variable.` }]);
      }
      const target = await awakeTarget(call, known, ports);
      if (target instanceof Problem) return target;
      const { set, replica, containerId } = target;
      const { command, tty, env, workdir, user, cols, rows } = body;
      const options = {
        ...{ command, tty, env, size: { cols, rows } },
        ...{ workdir: workdir ?? null, user: user ?? null, mark: tickets.mark() },
      };
      const ticket = tickets.issue({
        ...{ principal: scope.principal, tenant: scope.tenant, app: params.app, set: set.set },
        ...{ replica: replica.id, host: replica.host, containerId, options },
      });
      return {
        ticket,
        url: `${EXEC_PATH}?ticket=${ticket}`,
        expires_at: timeOf(ports.clock.wall() + TICKET_MS),
        set: set.set,
        replica: replica.name,
        container_id: containerId,
      };
    },
  );
}

/** A request that is no WebSocket is told so; the door takes those that are. */
function addSocketPath({ hono }: Endpoints): void {
  hono.openAPIRegistry.registerPath({
    method: 'get',
    path: EXEC_PATH,
    operationId: 'openExec',
    summary: 'Runs the command of a ticket, as a WebSocket',
    request: {
      query: z.object({ ticket: z.string() }),
    },
    responses: {
      101: { description: `The WebSocket, of the subprotocol \`${EXEC_PROTOCOL}\`` },
      426: { description: 'It was no WebSocket', content: { 'application/problem+json': { schema: ProblemShape } } },
    },
  });
  hono.get(EXEC_PATH, (c) => {
    const fix = [`Open it as a WebSocket of the subprotocol ${EXEC_PROTOCOL}.`];
    const headers = { upgrade: 'websocket', connection: 'upgrade' };
    return new Problem('upgrade_required', { detail: `${EXEC_PATH} is a WebSocket.`, fix, headers }).respond(
      c.req.path,
    );
  });
}

/** The container that is meant, once its processes run. */
async function awakeTarget(call: ExecCall, known: KnownSets, ports: AdminPorts): Promise<ExecTarget | Problem> {
  const { scope, params, query, body } = call;
  const { clock, scaling, exec } = ports;
  const mayWake = query.wake === 'true';
  const deadline = clock.now() + (mayWake ? WAKE_MS : THAW_MS);
  for (let isFirst = true; ; isFirst = false) {
    const sets = known.app(scope.tenant, params.app);
    if (sets instanceof Problem) return sets;
    const set = setOf(sets, body);
    if (set instanceof Problem) return set;
    const target = targetOf(set, body);
    if (target instanceof Problem) return target;
    if (target !== null && isAwake(set, target.replica.id)) {
      exec?.touch(target.replica.id);
      return target;
    }
    if ((target === null && !mayWake) || clock.now() >= deadline) return notRunning(set.snapshot.set, mayWake);
    // Sleeping by itself, it is woken for whoever wants to work in it.
    if (isFirst) {
      if (target !== null) exec?.touch(target.replica.id);
      void scaling.lease(scope.tenant, params.app, WAKE_MS);
    }
    await pause(clock, POLL_MS);
  }
}

function notRunning(set: string, wasWoken: boolean): Problem {
  return new Problem('not_running', {
    detail: wasWoken
      ? `No container of the set "${set}" runs, also after a wake.`
      : `No container of the set "${set}" runs now.`,
    fix: [wasWoken ? 'The events of the app say why.' : 'Ask with ?wake=true, which wakes it first.'],
  });
}
