/**
 * The WebSocket subprotocol of commands that run in a container. Every message is binary; its first byte is the channel.
 * The server says `status` last and closes.
 */

export const EXEC_PROTOCOL = 'tidegate.exec.v1';

export const EXEC_CHANNEL = {
  /** To the command; a message without bytes ends its input. */
  stdin: 0,
  stdout: 1,
  stderr: 2,
  /** JSON: `{"exit_code": 7}` (null: it has left its output and runs on), or `{"error": {"code", "detail"}}`. */
  status: 3,
  /** JSON: `{"cols": 80, "rows": 24}`. */
  resize: 4,
  /** A name such as `SIGINT`. */
  signal: 5,
} as const;

export type ExecStatus =
  | { readonly exit_code: number | null }
  | { readonly error: { readonly code: string; readonly detail: string } };

/** A message of the protocol. */
export function execMessage(channel: number, payload: Uint8Array | string): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const message = Buffer.allocUnsafe(body.length + 1);
  message[0] = channel;
  message.set(body, 1);
  return message;
}
