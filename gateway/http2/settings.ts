/**
 * SETTINGS (RFC 9113 6.5): ours, which never change, and what the client's mean for us.
 */
import { H2_ERROR, type H2Error, INITIAL_WINDOW_BYTES, SETTING, WINDOW_MAX_BYTES } from './frame.ts';
import { STREAM_WINDOW_BYTES } from './request-body.ts';

/** Requests in flight on one connection. */
export const STREAMS_MAX = 128;
/** What all streams of a connection together may hold of requests. */
export const CONNECTION_WINDOW_BYTES = 1_048_576;
/** Of a decoded list of fields: a head of 16 KiB, and 32 bytes for each field (RFC 9113 6.5.2). */
export const HEADER_LIST_MAX_BYTES = 20_480;

export const OWN_SETTINGS: readonly (readonly [number, number])[] = [
  [SETTING.maxConcurrentStreams, STREAMS_MAX],
  [SETTING.initialWindowSize, STREAM_WINDOW_BYTES],
  [SETTING.maxHeaderListSize, HEADER_LIST_MAX_BYTES],
  [SETTING.enableConnectProtocol, 1],
  [SETTING.noRfc7540Priorities, 1],
];

const SETTING_BYTES = 6;
const FRAME_SIZE_MIN = 16_384;
const FRAME_SIZE_MAX = 16_777_215;

/** What matters to us of the client's settings. */
export class PeerSettings {
  initialWindowBytes = INITIAL_WINDOW_BYTES;
  headerTableBytes = 4096;

  /** Reads a payload of SETTINGS, `b[start, end)`. Returns what is wrong with it, `none` if nothing. */
  read(b: Buffer, start: number, end: number): H2Error {
    if ((end - start) % SETTING_BYTES !== 0) return H2_ERROR.frameSize;
    for (let at = start; at < end; at += SETTING_BYTES) {
      const fault = this.#set(b.readUInt16BE(at), b.readUInt32BE(at + 2));
      if (fault !== H2_ERROR.none) return fault;
    }
    return H2_ERROR.none;
  }

  #set(id: number, value: number): H2Error {
    if (id === SETTING.initialWindowSize) {
      if (value > WINDOW_MAX_BYTES) return H2_ERROR.flowControl;
      this.initialWindowBytes = value;
    } else if (id === SETTING.headerTableSize) this.headerTableBytes = value;
    else if (id === SETTING.enablePush || id === SETTING.enableConnectProtocol) {
      if (value > 1) return H2_ERROR.protocol;
    } else if (id === SETTING.maxFrameSize && (value < FRAME_SIZE_MIN || value > FRAME_SIZE_MAX)) {
      return H2_ERROR.protocol;
    }
    return H2_ERROR.none;
  }
}
