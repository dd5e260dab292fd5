/**
 * Fuzzes one lane over sockets: many clients side by side, sound requests sent ahead of each other and one that is not at
 * the end, or a replica that answers anything. After every batch nothing may be left: no request in flight, no claim, no
 * connection, no octet unread.
 */
import { opensH2 } from '#gateway/http1/arrival';
import { until } from '#test/support/until';
import { seeded } from '../http1/mutate.ts';
import { type Lane, Rig, type RigSet } from '../support/rig.ts';
import { answerFault, readAnswer } from './answer-verdict.ts';
import { answerInput } from './answers.ts';
import { type Reading, readOctets } from './reading.ts';
import { FuzzReplica } from './replica.ts';
import { nodeReading, tripFault } from './request-verdict.ts';
import { requestInput } from './requests.ts';
import { travel } from './trip.ts';

export interface FuzzOptions {
  readonly lane: Lane;
  readonly seed: number;
  /** Inputs to send, about. */
  readonly inputs: number;
  /** Requests as latin1 text, lent to mutations. */
  readonly requests: readonly string[];
  readonly answers: readonly string[];
  /** Asked between batches: goes on while true. */
  readonly goesOn?: (inputs: number) => boolean;
}

export interface FuzzReport {
  readonly inputs: number;
  /** Requests that reached the replica whole. */
  readonly forwarded: number;
  /** Each with the octets it is about. */
  readonly findings: readonly string[];
}

const HOSTNAMES: ReadonlySet<string> = new Set(['app.test', 'other.test']);
const CLIENTS = 48;
/** Requests sent ahead of each other on one connection. */
const AHEAD_MAX = 20;
/** One trip in this many is about an answer of the replica. */
const ANSWER_TRIPS = 4;
const BATCH = 10_000;
const FINDINGS_MAX = 20;

export class FuzzRun {
  readonly #options: FuzzOptions;
  readonly #random: (below: number) => number;
  readonly #rig: Rig;
  readonly #replica: FuzzReplica;
  readonly #sets: readonly RigSet[];
  readonly #findings: string[] = [];
  #inputs = 0;
  #forwarded = 0;
  #answers = 0;
  #trips = 0;

  private constructor(options: FuzzOptions, rig: Rig, replica: FuzzReplica) {
    this.#options = options;
    this.#random = seeded(options.seed);
    this.#rig = rig;
    this.#replica = replica;
    const ports = [replica.server.port];
    this.#sets = [...HOSTNAMES].map((host, i) => rig.addSet({ host, set: `set-${i}`, ports, policy: { retry: 0 } }));
  }

  static async run(options: FuzzOptions): Promise<FuzzReport> {
    const rig = new Rig({ lane: options.lane });
    const replica = await FuzzReplica.start();
    rig.owns(replica.server);
    await rig.start();
    try {
      return await new FuzzRun(options, rig, replica).#run();
    } finally {
      await rig.close();
    }
  }

  async #run(): Promise<FuzzReport> {
    const { inputs, goesOn } = this.#options;
    while (this.#inputs < inputs && this.#findings.length < FINDINGS_MAX && goesOn?.(this.#inputs) !== false) {
      const batch = Math.min(inputs, this.#inputs + BATCH);
      await Promise.all(Array.from({ length: CLIENTS }, () => this.#client(batch)));
      await this.#rest();
    }
    return { inputs: this.#inputs, forwarded: this.#forwarded, findings: this.#findings };
  }

  async #client(batch: number): Promise<void> {
    while (this.#inputs < batch && this.#findings.length < FINDINGS_MAX) {
      if (this.#random(ANSWER_TRIPS) === 0) await this.#answerTrip();
      else await this.#requestTrip();
    }
  }

  async #requestTrip(): Promise<void> {
    const random = this.#random;
    const from = this.#address();
    const { lane, requests } = this.#options;
    const inputs: Buffer[] = [];
    for (let n = 0; n < AHEAD_MAX; n++) {
      const input = Buffer.from(requestInput(random, requests), 'latin1');
      this.#inputs++;
      inputs.push(input);
      const { end, requests: read } = readOctets(input, HOSTNAMES);
      if (end !== 'whole' || read.some((request) => request.closes !== 'no')) break;
    }
    const octets = Buffer.concat(inputs);
    // Its first octets make it another protocol, or may yet do so; that has its own tests.
    if (opensH2(octets, 0, octets.length) !== 'no') return;
    const reading = readOctets(octets, HOSTNAMES);
    const cuts =
      random(4) === 0 ? Array.from({ length: 1 + random(6) }, () => random(octets.length)).sort((a, b) => a - b) : [];
    const isSlow = lane === 'slow';
    // Where the connection goes on, or ends only with a deadline, the client ends it when it has its answers.
    const isLast = reading.requests.at(-1)?.closes === 'must';
    const isOpen = isSlow || reading.end === 'incomplete' || (reading.end === 'whole' && !isLast);
    const result = await travel({
      port: this.#rig.port,
      from,
      octets,
      cuts,
      methods: methodsOf(octets, reading, isSlow),
      answers: isOpen ? reading.requests.length : null,
    });
    const seen = this.#replica.take(from);
    this.#forwarded += seen.length;
    const fault = tripFault({ octets, reading, result, seen, isSlow });
    if (fault !== '') this.#find(fault, octets);
  }

  async #answerTrip(): Promise<void> {
    const random = this.#random;
    const from = this.#address();
    const answer = answerInput(random, this.#options.answers);
    const octets = Buffer.from(answer, 'latin1');
    const target = `/answer/${++this.#answers}`;
    const method = random(5) === 0 ? 'HEAD' : 'GET';
    this.#inputs++;
    this.#replica.answers.set(target, answer);
    const request = Buffer.from(`${method} ${target} HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n`);
    const result = await travel({
      port: this.#rig.port,
      from,
      octets: request,
      cuts: [],
      methods: [method],
      answers: null,
    });
    this.#replica.answers.delete(target);
    const asked = this.#replica.take(from).length;
    this.#forwarded += asked;
    // A kept connection that ends before its answer is no answer: the request is made again on a new one.
    const asksMax = readAnswer(octets, method) === null ? 2 : 1;
    const fault = asked <= asksMax ? answerFault(octets, method, result) : `it was asked ${asked} times`;
    if (fault !== '') this.#find(fault, octets);
  }

  /** One that has not been used for a long time, so that what comes late is taken for nobody else's. */
  #address(): string {
    const number = this.#trips++;
    return `127.${1 + ((number >> 14) % 200)}.${(number >> 7) & 127}.${1 + (number & 127)}`;
  }

  /** Waits until nothing is left of a batch. */
  async #rest(): Promise<void> {
    const { gateway } = this.#rig;
    const { server, oddities } = this.#replica;
    try {
      await until(() => gateway.collect().inFlight === 0 && gateway.collect().connections === 0, {
        what: 'an idle gateway',
      });
      await until(() => server.open() === gateway.collect().kept, { what: 'no connection but the kept ones' });
      await until(() => this.#sets.every(({ pool }) => pool.inFlight === 0), { what: 'no claim' });
    } catch (error) {
      const { inFlight, connections, kept } = gateway.collect();
      const left = JSON.stringify({ inFlight, connections, kept, open: server.open() });
      this.#find(`a leak after ${this.#inputs} inputs: ${String(error)} ${left}`, Buffer.alloc(0));
    }
    this.#replica.forget();
    for (const oddity of oddities.splice(0)) this.#find(oddity, Buffer.alloc(0));
  }

  #find(fault: string, octets: Buffer): void {
    this.#findings.push(`${fault}\n  ${JSON.stringify(octets.toString('latin1'))}`);
  }
}

/**
 * Methods, for the reading of answers; of what is at fault, as far as the lane can tell: what Node itself refuses has none,
 * so that the answer to a HEAD may have a body, behind which the connection ends.
 */
function methodsOf(octets: Buffer, { requests, last }: Reading, isSlow: boolean): string[] {
  const methods = requests.map((request) => request.method);
  if (!isSlow) return [...methods, last];
  return nodeReading(octets).map((message) => message.method);
}
