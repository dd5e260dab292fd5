/** A candidate of the side-by-side benchmark: a proxy before the same two upstreams, ready to be measured. */
import type { Certificate } from '../certificate.ts';
import type { Program } from '../processes.ts';

/** Behind `site<number>`: hostnames that candidates route are numbered from 0. */
export const DOMAIN = '.example.test';
/** The one that every candidate routes. */
export const HOSTNAME = `site0${DOMAIN}`;

/** Hostnames that are asked for where there are more: more would not fit into a processor's caches any less. */
export const ASKED_HOSTNAMES = 1000;

/** What a candidate starts from. */
export interface Site {
  /** For its files; its own alone. */
  readonly folder: string;
  /** Where it runs. */
  readonly cores: readonly number[];
  /** Of the upstreams, on the loopback. */
  readonly upstreamPorts: readonly number[];
  /** It listens with TLS, HTTP/2 and HTTP/1.1 offered by ALPN; null: plain HTTP. */
  readonly certificate: Certificate | null;
  /** Upgraded connections are to be carried. */
  readonly tunnels: boolean;
  /** Processes or threads that serve. */
  readonly workers: number;
}

export interface Candidate {
  readonly port: number;
  readonly program: Program;
}

export interface CandidateSpec {
  readonly name: string;
  /** Tidegate, whatever its settings. */
  readonly isOurs: boolean;
  /** How many hostnames it routes to the upstreams. */
  readonly hostnames: number;
  readonly workers: number;
  /** Null: of what is measured. */
  readonly version: (() => Promise<string>) | null;
  start(site: Site): Promise<Candidate>;
}

/** The same with several workers, named after their number. */
export function withWorkers(spec: CandidateSpec, workers: number): CandidateSpec {
  return { ...spec, name: `${spec.name}-${workers}`, workers };
}
