/**
 * Everything a request head can be refused for, with the status it is answered by. After any of them the connection is
 * closed: where the next message starts is no longer certain.
 */

export const REQUEST_FAULTS = {
  'request-line': 400,
  'method-unknown': 501,
  'method-refused': 501,
  target: 400,
  'target-too-long': 414,
  'target-authority': 400,
  version: 505,
  'head-too-large': 431,
  'too-many-fields': 431,
  'field-name': 400,
  'field-name-empty': 400,
  'field-name-spaced': 400,
  'field-name-twin': 400,
  'field-value': 400,
  'field-folded': 400,
  'bare-cr': 400,
  'bare-lf': 400,
  'host-missing': 400,
  'host-repeated': 400,
  'host-invalid': 400,
  'host-conflict': 400,
  'length-invalid': 400,
  'length-repeated': 400,
  'length-and-coding': 400,
  'coding-invalid': 400,
  'coding-repeated': 400,
  'coding-unknown': 501,
  'coding-in-1.0': 400,
  'connection-option': 400,
  'connection-protected': 400,
  expectation: 417,
  'max-forwards': 400,
  /** Only from lists that were split by somebody else (node:http, HTTP/2). */
  list: 400,
  'pseudo-field': 400,
  'field-capital': 400,
  'connection-field': 400,
} as const;

export type RequestFault = keyof typeof REQUEST_FAULTS;
export type RequestFaultStatus = (typeof REQUEST_FAULTS)[RequestFault];
