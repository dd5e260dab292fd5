/**
 * Asks a resolver once more without its DNSSEC validation (RFC 4035 3.2.2, the CD bit), which node:dns cannot: what is
 * there then and was SERVFAIL before is bogus.
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { SocketAddress } from 'node:net';

const ANSWER_MS = 2000;
const DNS_PORT = 53;
/** Recursion desired, checking disabled. */
const FLAGS = 0x0110;
const HEADER_BYTES = 12;
const TYPE_A = 1;
const CLASS_IN = 1;

/** @param server `ip:port`, or an address alone */
export async function isBogus(hostname: string, server: string): Promise<boolean> {
  const parsed = SocketAddress.parse(server) ?? new SocketAddress({ address: server.replace(/^\[|\]$/g, '') });
  const { address, family } = parsed;
  const port = parsed.port === 0 ? DNS_PORT : parsed.port;
  const id = randomInt(0x1_00_00);
  const socket = createSocket(family === 'ipv6' ? 'udp6' : 'udp4');
  try {
    return await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), ANSWER_MS);
      socket.on('error', () => resolve(false));
      socket.on('message', (message) => {
        if (message.length < HEADER_BYTES || message.readUInt16BE(0) !== id) return;
        clearTimeout(timer);
        const code = message.readUInt16BE(2) & 0xf;
        const answers = message.readUInt16BE(6);
        resolve(code === 0 && answers > 0);
      });
      socket.send(query(id, hostname), port, address);
    });
  } finally {
    socket.close();
  }
}

function query(id: number, hostname: string): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(FLAGS, 2);
  header.writeUInt16BE(1, 4);
  const labels = hostname.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')]);
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, TYPE_A, 0, CLASS_IN])]);
}
