/**
 * The opening of one TLS connection: reads the ClientHello, chooses by the name in it, and turns the connection into an
 * encrypted one without a callback out of the handshake. Who comes for a name nobody serves is told so, never shown
 * another name's certificate.
 */
import type { CertificateSource, ServedCertificate } from '#certs/certificate-source';
import type { ClientAuthority } from '#certs/client-authority';
import { messageOf } from '#core/errors';
import type { Log } from '#core/log';
import type { Arrival, OpeningReader } from '../arrival.ts';
import type { DoorTally } from '../door-counts.ts';
import type { Peer } from '../exchange.ts';
import type { Wire, WireOwner } from '../transport/wire.ts';
import { fatalAlert } from './alert.ts';
import type { ClientHello } from './client-hello.ts';
import { ClientProof } from './client-proof.ts';
import { type Encrypt, protocolList } from './secure-wire.ts';

/** A client, as far as it is known before it says anything. */
export type Client = Pick<Peer, 'address' | 'trusted'>;

export interface TlsDoor {
  readonly certificates: CertificateSource;
  readonly encrypt: Encrypt;
  readonly log: Log;
  readonly tally: DoorTally;
  /** Shared: one is read and judged within one call. */
  readonly hello: ClientHello;
  /** Ms since the epoch. */
  readonly wall: () => number;
  /** HTTP/2 is offered. */
  readonly hasH2: boolean;
  /** Who has to have signed what clients of this name send; null: they are asked for nothing. */
  authorityFor(hostname: string): ClientAuthority | null;
  serve(wire: Wire, peer: Peer, protocol: 'h2' | 'http/1.1'): void;
  /** Whether connections for this name go on to a replica as they are; then it takes the connection. */
  passThrough(arrival: Arrival, order: { client: Client; hostname: string; octets: Buffer }): boolean;
}

const PROTOCOLS = {
  http1: protocolList('http/1.1'),
  both: protocolList('h2', 'http/1.1'),
  acme: protocolList('acme-tls/1'),
} as const;

const CAPITAL_A = 0x41;
const CAPITAL_Z = 0x5a;
const WRONG_SCHEME = 'This port speaks TLS: ask for https://\n';
const PLAIN_ANSWER = `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\nX-Tidegate-Error: bad_request\r\nContent-Length: ${WRONG_SCHEME.length}\r\n\r\n${WRONG_SCHEME}`;

export class TlsOpening implements OpeningReader {
  readonly #door: TlsDoor;
  readonly #client: Client;

  constructor(door: TlsDoor, client: Client) {
    this.#door = door;
    this.#client = client;
  }

  onOpening(arrival: Arrival, b: Buffer, start: number, end: number): boolean {
    const { hello } = this.#door;
    const outcome = hello.read(b, start, end);
    if (outcome === 'incomplete') return true;
    if (outcome === 'complete') this.#choose(arrival, b, start, end);
    else this.#refuse(arrival, outcome, b[start] as number);
    return false;
  }

  onGivenUp(): void {
    this.#door.tally.badHellos++;
  }

  #refuse(arrival: Arrival, outcome: 'plain' | 'fault', first: number): void {
    this.#door.tally.badHellos++;
    this.#door.log.debug('a connection opened without TLS', { client: this.#client.address, outcome });
    if (outcome === 'fault') arrival.turnAway('', fatalAlert('decode_error'));
    // A request in plain HTTP starts with its method.
    else if (first >= CAPITAL_A && first <= CAPITAL_Z) arrival.turnAway(PLAIN_ANSWER, null);
    else arrival.turnAway('', fatalAlert('unexpected_message'));
  }

  #choose(arrival: Arrival, b: Buffer, start: number, end: number): void {
    const door = this.#door;
    const { servername, acme, h2 } = door.hello;
    if (servername === null || servername === '') {
      this.#turnAway(arrival, '');
      return;
    }
    const octets = b.subarray(start, end);
    const order = { client: this.#client, hostname: servername, octets };
    if (door.passThrough(arrival, order)) return;
    if (acme) {
      const challenge = door.certificates.challengeFor?.(servername) ?? null;
      this.#open(arrival, { hostname: servername, octets, served: challenge, protocol: 'acme-tls/1' });
      return;
    }
    const protocol = h2 && door.hasH2 ? 'h2' : 'http/1.1';
    const found = door.certificates.contextFor(servername);
    if (found === null || !(found instanceof Promise)) {
      this.#open(arrival, { hostname: servername, octets, served: found, protocol });
      return;
    }
    arrival.wait(b, start, end);
    found.then(
      (served) => {
        if (!arrival.isOpen) return;
        this.#open(arrival, { hostname: servername, octets: arrival.held ?? NOTHING, served, protocol });
      },
      (error: unknown) => {
        door.log.error('a certificate could not be had', { hostname: servername, error: messageOf(error) });
        if (arrival.isOpen) arrival.turnAway('', fatalAlert('internal_error'));
      },
    );
  }

  #open(arrival: Arrival, terms: OpenTerms): void {
    const { served, protocol, octets } = terms;
    if (served === null) {
      this.#turnAway(arrival, terms.hostname);
      return;
    }
    const door = this.#door;
    door.tally.handshakes++;
    arrival.leave();
    const { address, trusted } = this.#client;
    const authority = protocol === 'acme-tls/1' ? null : door.authorityFor(terms.hostname);
    const asking = authority === null ? null : this.#asking(served, authority);
    const proof = asking === null || authority === null ? null : this.#proofOf(terms.hostname, authority);
    const wire = door.encrypt(arrival.wire, {
      context: (asking ?? served).context,
      protocols: protocol === 'acme-tls/1' ? PROTOCOLS.acme : door.hasH2 ? PROTOCOLS.both : PROTOCOLS.http1,
      proof,
      staple: served.staple?.(door.wall()) ?? null,
      early: octets,
      onFault: (reason) => {
        door.tally.tlsFaults++;
        door.log.debug('TLS failed', { client: address, hostname: terms.hostname, reason });
      },
    });
    if (protocol === 'acme-tls/1') wire.start(new ChallengeOwner(wire));
    else {
      const peer = { address, trusted, secure: true, certificate: served };
      door.serve(wire, proof === null ? peer : { ...peer, proof }, protocol);
    }
  }

  #proofOf(hostname: string, authority: ClientAuthority): ClientProof {
    const { log } = this.#door;
    const client = this.#client.address;
    return new ClientProof(authority, (fault) => {
      log.debug('a client certificate does not verify', { client, hostname, authority: authority.name, fault });
    });
  }

  /** Null where that cannot be: then nothing is proved, and whoever wants proof refuses. */
  #asking(served: ServedCertificate, authority: ClientAuthority): ServedCertificate | null {
    try {
      return served.asking?.(authority) ?? null;
    } catch (error) {
      this.#door.log.error('clients cannot be asked for a certificate', {
        authority: authority.name,
        error: messageOf(error),
      });
      return null;
    }
  }

  #turnAway(arrival: Arrival, hostname: string): void {
    this.#door.tally.unknownNames++;
    this.#door.log.debug('a client came for an unknown name', { client: this.#client.address, hostname });
    arrival.turnAway('', fatalAlert('unrecognized_name'));
  }
}

interface OpenTerms {
  readonly hostname: string;
  readonly octets: Buffer;
  readonly served: ServedCertificate | null;
  readonly protocol: 'h2' | 'http/1.1' | 'acme-tls/1';
}

/** RFC 8737 3: the handshake is all there is to a challenge. */
class ChallengeOwner implements WireOwner {
  readonly #wire: Wire;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  onOctets(): void {
    this.#wire.destroy();
  }
  onDrain(): void {}
  onEnd(): void {
    this.#wire.destroy();
  }
  onClosed(): void {}
}

const NOTHING = Buffer.alloc(0);
