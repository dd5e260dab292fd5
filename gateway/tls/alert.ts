/**
 * TLS alerts as they go over the wire before anything is encrypted (RFC 8446 6).
 */

const ALERTS = { unexpected_message: 10, decode_error: 50, internal_error: 80, unrecognized_name: 112 } as const;
export type AlertName = keyof typeof ALERTS;

const ALERT_RECORD = 21;
const TLS_1_2 = [3, 3] as const;
const ALERT_BYTES = 2;
const FATAL = 2;

/** A fatal alert as a record of its own. */
export function fatalAlert(name: AlertName): Buffer {
  return Buffer.from([ALERT_RECORD, ...TLS_1_2, 0, ALERT_BYTES, FATAL, ALERTS[name]]);
}
