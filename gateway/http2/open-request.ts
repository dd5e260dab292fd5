/**
 * From a decoded header block to a request on its way: judged by the same strict reading as every head, then served.
 */
import { FRAMING } from '../http1/framing.ts';
import { readH2Request } from '../http1/h2-heads.ts';
import type { ConnectionHome } from './connection-home.ts';
import { H2_ERROR } from './frame.ts';
import type { Http2Stream } from './stream.ts';
import { asksWebsocket, websocketAccept, websocketKey, withWebsocketKey } from './websocket-key.ts';

/** For a fault of this status the stream is reset as well: it is malformed (RFC 9113 8.1.1). */
const MALFORMED_STATUS = 400;

export interface OpenedRequest {
  /** Null: they are more than is taken. */
  readonly fields: readonly string[] | null;
  /** The request has no body. */
  readonly endsStream: boolean;
}

export function openRequest(stream: Http2Stream, home: ConnectionHome, { fields, endsStream }: OpenedRequest): void {
  const { path, scratch: head } = home;
  let list = fields;
  if (list !== null && asksWebsocket(list)) {
    const key = websocketKey(home.random);
    stream.acceptKey = websocketAccept(key);
    list = withWebsocketKey(list, key);
  }
  const outcome = list === null ? head.refuse('head-too-large') : readH2Request(head, list, endsStream);
  const sound = outcome === 'complete';
  const announced = sound && head.framing !== FRAMING.chunked && !head.websocket ? head.contentLength : -1;
  stream.body.start(announced, endsStream);
  if (sound) {
    stream.begin({ isHead: head.method === 'HEAD', fault: H2_ERROR.none });
    // Behind a proxy that ends TLS the scheme is what its own client used.
    if (stream.peer.trusted) head.scheme = '';
    path.serve(stream, head);
  } else {
    stream.begin({
      isHead: isHead(fields),
      fault: head.status === MALFORMED_STATUS ? H2_ERROR.protocol : H2_ERROR.none,
    });
    path.refuse(stream, head);
  }
}

function isHead(fields: readonly string[] | null): boolean {
  return fields !== null && fields[fields.indexOf(':method') + 1] === 'HEAD';
}
