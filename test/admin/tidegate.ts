/**
 * A small Tidegate for tests of the API: a real RouteTable and a real EventLog, and in place of the scaler a book of what
 * it was told.
 */
import { adminApp } from '#admin/app';
import type { AdminPorts, HostView, LiveSet, MetricFamily, ScaleSetting } from '#admin/ports';
import { type Log, silentLog } from '#core/log';
import type { SetKey, SetSnapshot } from '#core/set';
import { RouteTable } from '#router/route-table';
import { EventLog } from '#store/event-log';
import { operatorOf, type Principal } from '#tenants/principal';
import { seeded } from '#test/router/sample';
import { FakeClock } from '#test/support/fake-clock';
import { DomainBook } from './domain-book.ts';

export const TOKEN = 'tide_op_01_secret';
const OPERATOR = operatorOf('op_01');
/** Of the tenant `default`, for everything in it. */
export const TENANT_TOKEN = 'tide_pat_01_secret';
const OWNER: Principal = { ...OPERATOR, id: 'pat_01', name: 'owner', kind: 'pat', tenant: 'default', operator: false };

type Given = Partial<
  Pick<
    AdminPorts,
    | 'certificates'
    | 'allocatable'
    | 'answers'
    | 'clientAuthorities'
    | 'logs'
    | 'meter'
    | 'minute'
    | 'exec'
    | 'found'
    | 'tenancy'
    | 'proxies'
    | 'apps'
  >
>;

export interface Asked {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export class Tidegate {
  readonly clock: FakeClock;
  readonly closing = new AbortController();
  readonly snapshots = new Map<SetKey, SetSnapshot>();
  readonly live = new Map<SetKey, LiveSet>();
  readonly settings: Map<SetKey, ScaleSetting>;
  readonly leases: { tenant: string; app: string; ttlMs: number }[] = [];
  readonly table: RouteTable;
  readonly domains: DomainBook;
  readonly logged: string[] = [];
  hosts: HostView[] = [];
  missing: string[] = [];
  families: MetricFamily[] = [];
  /** Thrown by whatever changes something. */
  fault: Error | null = null;
  readonly events: EventLog;
  readonly ports: AdminPorts;
  readonly app: ReturnType<typeof adminApp>;

  private constructor(clock: FakeClock, events: EventLog, given: Given, settings: Map<SetKey, ScaleSetting>) {
    this.settings = settings;
    this.clock = clock;
    this.events = events;
    this.domains = new DomainBook(() => clock.wall());
    this.table = new RouteTable({ clock, random: seeded(1) });
    const log: Log = { ...silentLog, error: (message) => void this.logged.push(message) };
    this.ports = {
      version: '1.2.3',
      clock: this.clock,
      log,
      table: this.table,
      sets: {
        all: () => this.snapshots.values(),
        get: (key) => this.snapshots.get(key),
        live: (key) => this.live.get(key) ?? null,
      },
      scaling: {
        setting: (key) => this.settings.get(key) ?? null,
        change: async (key, setting) => {
          if (this.fault !== null) throw this.fault;
          if (setting === null) this.settings.delete(key);
          else this.settings.set(key, setting);
        },
        lease: async (tenant, app, ttlMs) => {
          this.leases.push({ tenant, app, ttlMs });
          return [...this.snapshots.values()].some((one) => one.tenant === tenant && one.app === app);
        },
      },
      events: this.events,
      record: this.events.record,
      hosts: () => this.hosts,
      missing: () => this.missing,
      collect: () => this.families,
      authenticate: async (token, client) => {
        if (token === TOKEN) return OPERATOR;
        if (token === TENANT_TOKEN) return OWNER;
        return given.tenancy?.tokens.authenticate(token, client) ?? null;
      },
      domains: this.domains,
      ...given,
    };
    this.app = adminApp(this.ports, this.closing.signal);
  }

  /** @param capacity events held; @param given instead of what it has otherwise */
  static async start(
    capacity = 100,
    given: Given = {},
    clock = new FakeClock(),
    settings = new Map<SetKey, ScaleSetting>(),
  ): Promise<Tidegate> {
    const chance = seeded(7);
    const events = await EventLog.open({
      store: { appendEvents: async () => {}, lastEvents: async () => [] },
      clock,
      random: (size) => Uint8Array.from({ length: size }, () => Math.floor(chance() * 256)),
      log: silentLog,
      capacity,
    });
    return new Tidegate(clock, events, given, settings);
  }

  /** Discovers a set; what is given of it live is kept. */
  discover(snapshot: SetSnapshot, live: LiveSet | null = null): void {
    this.snapshots.set(snapshot.key, snapshot);
    this.table.apply(snapshot);
    if (live !== null) this.live.set(snapshot.key, live);
  }

  /** Asks as an operator. */
  async ask(path: string, { method = 'GET', body, headers = {} }: Asked = {}): Promise<Response> {
    return this.app.request(path, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  }

  /** Asks as an operator, for the JSON of the answer. */
  async json(path: string, asked?: Asked): Promise<{ status: number; json: Json }> {
    const response = await this.ask(path, asked);
    return { status: response.status, json: new Json(await response.json()) };
  }
}

/** JSON that a test looks into: a path that is not there is undefined. */
export class Json {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }

  /** What stands at `a.0.b`. */
  at(path: string): unknown {
    let value = this.value;
    for (const step of path.split('.')) {
      if (typeof value !== 'object' || value === null) return undefined;
      value = (value as Readonly<Record<string, unknown>>)[step];
    }
    return value;
  }

  /** The values of one field of every item of a list. */
  each(list: string, field: string): unknown[] {
    const items = this.at(list);
    return Array.isArray(items) ? items.map((item) => new Json(item).at(field)) : [];
  }
}

export function live(changes: Partial<LiveSet> = {}): LiveSet {
  return {
    state: 'up',
    ready: 1,
    inFlight: 0,
    held: 0,
    target: { min: 1, max: 1, awake: 1 },
    scaling: null,
    replicas: [],
    ...changes,
  };
}
