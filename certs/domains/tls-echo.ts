/**
 * Whether a certificate authority that comes to validate by TLS-ALPN-01 would reach us: asks every address that a hostname
 * resolves to for a certificate that only we can show. Tried before an order, because an authority counts the tries that fail.
 */
import { randomBytes, X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { challengeCertificate } from '../challenge-certificate.ts';
import type { Diagnosis } from '../dns/diagnosis.ts';
import { type EchoOptions, inwardFault } from './echo.ts';

const ANSWER_MS = 5000;
/** RFC 8737 6.2. */
const PROTOCOL = 'acme-tls/1';

/** Empty: every address is ours. */
export async function tlsEcho(
  hostname: string,
  addresses: readonly string[],
  { board, ports, isReachable, now }: EchoOptions & { /** Ms since the epoch. */ readonly now: number },
): Promise<readonly Diagnosis[]> {
  const inward = inwardFault(hostname, addresses, isReachable);
  if (inward !== null) return [inward];
  const certificate = challengeCertificate(hostname, randomBytes(32).toString('hex'), now);
  const { fingerprint256 } = new X509Certificate(certificate.chain);
  await board.showTls(hostname, certificate);
  try {
    const all = await Promise.all(addresses.map((address) => echoOf({ hostname, address, fingerprint256 }, ports)));
    return all.filter((one) => one !== null);
  } finally {
    board.hideTls(hostname);
  }
}

interface Call {
  readonly hostname: string;
  readonly address: string;
  readonly fingerprint256: string;
}

async function echoOf(call: Call, ports: readonly number[]): Promise<Diagnosis | null> {
  const { hostname, address, fingerprint256 } = call;
  const seen: (string | null)[] = [];
  for (const port of ports) {
    const fingerprint = await shown(call, port);
    if (fingerprint === fingerprint256) return null;
    seen.push(fingerprint);
  }
  const [port] = ports;
  if (seen.every((one) => one === null)) {
    return {
      code: 'tls.port_unreachable',
      detail: `Nothing that speaks ${PROTOCOL} answers on port ${port} of ${address}, where ${hostname} points.`,
      fix: `Open port ${port} of ${address} to this gateway, with nothing in between that ends TLS: the operator forwards it to the TLS listener (TIDEGATE_HTTPS).`,
    };
  }
  return {
    code: 'tls.wrong_answer',
    detail: `Something else answers on port ${port} of ${address}, where ${hostname} points.`,
    fix: `Point ${hostname} here alone, or take away what ends TLS before this gateway on ${address}.`,
  };
}

/** Fingerprint of the certificate; null: there is none. */
function shown({ hostname, address }: Call, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(
      {
        ...{ host: address, port, servername: hostname, ALPNProtocols: [PROTOCOL], timeout: ANSWER_MS },
        // It is told by its fingerprint; nobody vouches for it.
        rejectUnauthorized: false,
      },
      () => {
        const { fingerprint256 } = socket.getPeerX509Certificate() ?? {};
        socket.destroy();
        resolve(socket.alpnProtocol === PROTOCOL ? (fingerprint256 ?? null) : '');
      },
    );
    socket.on('timeout', () => socket.destroy());
    socket.on('error', () => resolve(null));
    socket.on('close', () => resolve(null));
  });
}
