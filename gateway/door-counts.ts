/**
 * What happens to connections before there is a request, counted in plain numbers.
 */
export interface DoorCounts {
  /** Connections that came with a ClientHello the gateway has answered with a certificate. */
  readonly handshakes: number;
  /** Of those, the ones that failed: in the handshake or after it. */
  readonly tlsFaults: number;
  /** Clients that came for a name nothing is served for. */
  readonly unknownNames: number;
  /** Connections to the TLS port that opened with no valid ClientHello, or not in time. */
  readonly badHellos: number;
  /** Connections that were passed on to a replica as they came. */
  readonly passthroughs: number;
  /** Trusted proxies that wrote no valid PROXY header, or not in time. */
  readonly proxyFaults: number;
}

export type DoorTally = { -readonly [K in keyof DoorCounts]: number };

export function newTally(): DoorTally {
  return { handshakes: 0, tlsFaults: 0, unknownNames: 0, badHellos: 0, passthroughs: 0, proxyFaults: 0 };
}
