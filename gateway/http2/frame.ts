/**
 * The numbers of HTTP/2 (RFC 9113 6, 7, RFC 8441 3): frames, flags, settings, error codes.
 */

export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const FLAG = {
  endStream: 0x1,
  /** Of SETTINGS and PING. */
  ack: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
} as const;

export const SETTING = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
  /** RFC 8441: extended CONNECT. */
  enableConnectProtocol: 8,
  /** RFC 9218: the priorities of RFC 7540 are not heeded. */
  noRfc7540Priorities: 9,
} as const;

export const H2_ERROR = {
  none: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  settingsTimeout: 4,
  streamClosed: 5,
  frameSize: 6,
  refusedStream: 7,
  cancel: 8,
  compression: 9,
  connect: 10,
  enhanceYourCalm: 11,
} as const;
export type H2Error = (typeof H2_ERROR)[keyof typeof H2_ERROR];

export const FRAME_HEAD_BYTES = 9;
/** Longest payload either side sends here: the size every implementation takes (RFC 9113 4.2). */
export const FRAME_MAX_BYTES = 16_384;
/** Window of a connection, and of streams before SETTINGS (RFC 9113 6.9.2). */
export const INITIAL_WINDOW_BYTES = 65_535;
export const WINDOW_MAX_BYTES = 0x7fffffff;
export const STREAM_ID_MAX = 0x7fffffff;
export const PRIORITY_BYTES = 5;

/** What a client sends first (RFC 9113 3.4). */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
