/**
 * Ports of a compose service. A port that compose would bind on the host is served by the gateway under the hostname of
 * the set, unless it speaks no HTTP (or says `mode: host`): then it is bound on the host here as well.
 */
import type { PublishedPortSpec } from '#core/set-spec';
import type { ComposeMap, ComposeNode } from './compose-node.ts';
import type { ComposeReader } from './compose-reader.ts';

const PORT_MAX = 65_535;
/** Of databases, queues, mail, shells and DNS, as IANA has them. */
const NOT_HTTP = new Set([
  ...[
    21, 22, 25, 53, 110, 143, 389, 465, 587, 636, 993, 995, 1433, 1521, 1883, 2181, 3306, 4222, 5432, 5671, 5672, 6379,
  ],
  ...[8883, 9042, 9092, 11_211, 26_257, 27_017],
]);
const LOCAL = /^(?:127\.|\[?::1\]?$|localhost$)/;

export interface ServicePorts {
  /** What requests are sent to and what is probed; null: nothing says it. */
  readonly main: number | null;
  /** Whether the gateway is to have a route to it. */
  readonly isRouted: boolean;
  readonly publish: readonly PublishedPortSpec[];
}

interface Wish {
  readonly node: ComposeNode;
  readonly port: number;
  readonly hostPort: number | null;
  readonly hostIp: string | null;
  readonly isDirect: boolean;
}

export function readPorts(service: ComposeMap, name: string, reader: ComposeReader): ServicePorts {
  const wishes = reader.items(service.entries.get('ports')?.value, `${name}.ports`).flatMap((node) => {
    const wish = node.kind === 'map' ? longWish(node, name, reader) : shortWish(node, name, reader);
    return wish === null ? [] : [wish];
  });
  const publish: PublishedPortSpec[] = [];
  let routed: number | null = null;
  for (const wish of wishes) {
    const { node, port, hostPort, hostIp, isDirect } = wish;
    if (isDirect || NOT_HTTP.has(port)) {
      if (hostIp !== null && LOCAL.test(hostIp)) {
        reader.note(
          node.place,
          `${name}: port ${port} was for the host alone and is not bound; sets of the app reach it at ${name}:${port}.`,
        );
      } else publish.push({ port, hostPort });
    } else if (routed === null || routed === port) {
      routed = port;
      const instead = hostPort === null ? '' : ` rather than at port ${hostPort} of the host`;
      reader.note(node.place, `${name}: port ${port} is served at the hostname of the set${instead}.`);
    } else {
      const label = 'tidegate.route.<name>.port';
      reader.note(
        node.place,
        `${name}: only port ${routed} is routed; a label ${label} gives ${port} a route of its own.`,
      );
    }
  }
  const exposed = reader.items(service.entries.get('expose')?.value, `${name}.expose`).flatMap((node) => {
    return reader.value(node, `${name}.expose`, { read: portOf, expected: 'a port from 1 to 65535' }) ?? [];
  });
  return {
    main: routed ?? publish[0]?.port ?? wishes[0]?.port ?? exposed[0] ?? null,
    isRouted: routed !== null,
    publish,
  };
}

/** `80`, `8080:80`, `127.0.0.1:8080:80`, each with `/tcp`. */
function shortWish(node: ComposeNode, name: string, reader: ComposeReader): Wish | null {
  const text = reader.text(node, `${name}.ports`);
  if (text === null) return null;
  const [, hostIp, hostText, portText = '', protocol] =
    /^(?:(?:(\[[0-9a-f:.]+\]|[^:[\]]+):)?(\d*(?:-\d+)?):)?(\d+(?:-\d+)?)(?:\/(\w+))?$/i.exec(text.trim()) ?? [];
  if (portText.includes('-') || hostText?.includes('-')) {
    reader.refuse(node.place, 'unsupported', `${name}.ports: "${text}" is a range: write one line for each port.`);
    return null;
  }
  if (!isTcp(protocol, node, name, reader)) return null;
  const port = portOf(portText);
  const hostPort = hostText === undefined || hostText === '' ? null : portOf(hostText);
  if (port === null || (hostPort === null && hostText !== undefined && hostText !== '')) {
    reader.refuse(
      node.place,
      'bad_value',
      `${name}.ports: "${text.slice(0, 80)}" is not a port such as 80 or 8080:80.`,
    );
    return null;
  }
  return { node, port, hostPort, hostIp: hostIp ?? null, isDirect: false };
}

function longWish(node: ComposeMap, name: string, reader: ComposeReader): Wish | null {
  const what = `${name}.ports`;
  const keys = ['target', 'published', 'host_ip', 'protocol', 'mode', 'name', 'app_protocol'];
  const given = new Map(reader.known(node, what, keys));
  const read = { read: portOf, expected: 'a port from 1 to 65535' };
  const port = reader.value(given.get('target')?.value, `${what}.target`, read);
  if (port === null) {
    if (!given.has('target'))
      reader.refuse(node.place, 'missing', `${what}: target is missing, the port of the container.`);
    return null;
  }
  const protocol = reader.text(given.get('protocol')?.value, `${what}.protocol`) ?? 'tcp';
  if (!isTcp(protocol, node, name, reader)) return null;
  return {
    node,
    port,
    hostPort: reader.value(given.get('published')?.value, `${what}.published`, read),
    hostIp: reader.text(given.get('host_ip')?.value, `${what}.host_ip`),
    isDirect: reader.text(given.get('mode')?.value, `${what}.mode`) === 'host',
  };
}

function isTcp(protocol: string | undefined, node: ComposeNode, name: string, reader: ComposeReader): boolean {
  if (protocol === undefined || protocol.toLowerCase() === 'tcp') return true;
  reader.refuse(node.place, 'unsupported', `${name}.ports: only TCP is served, not ${protocol}.`);
  return false;
}

function portOf(text: string): number | null {
  const [, digits] = /^(\d{1,5})(?:\/tcp)?$/.exec(text) ?? [];
  const port = Number(digits);
  return port >= 1 && port <= PORT_MAX ? port : null;
}
