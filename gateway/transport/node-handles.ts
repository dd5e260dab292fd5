/**
 * The few internals of Node that the handle transport stands on, named and typed in one place. Whether this Node has them
 * in this form is what the self-test finds out; nothing here is touched before that.
 */
import type { GatherBuffer } from './gather-buffer.ts';

/** A TCP connection as libuv has it. */
export interface TcpHandle {
  onread: (() => void) | null;
  /** Set by the transport: whom the reads are for. */
  wire?: unknown;
  /** Octets that were written and have not left for the kernel. */
  readonly writeQueueSize: number;
  readStart(): number;
  readStop(): number;
  useUserBuffer(buffer: Uint8Array): void;
  writeLatin1String(request: WriteRequest, text: string): number;
  writeBuffer(request: WriteRequest, octets: Uint8Array): number;
  writev(request: WriteRequest, parts: unknown[], allBuffers: boolean): number;
  shutdown(request: ShutdownRequest): number;
  setNoDelay(on: boolean): number;
  getpeername(into: { address?: string }): number;
  connect(request: ConnectRequest, address: string, port: number): number;
  connect6(request: ConnectRequest, address: string, port: number): number;
  close(onClosed?: () => void): void;
  reset(onClosed?: () => void): number;
}

export interface WriteRequest {
  oncomplete: (this: WriteRequest, status: number) => void;
  /** Set by the transport: who waits for it, how much it is, and what has to stay in memory until it has left. */
  wire: unknown;
  bytes: number;
  copy: GatherBuffer | null;
  held: Buffer | null;
}

export interface ShutdownRequest {
  oncomplete: (this: ShutdownRequest, status: number) => void;
  wire: unknown;
}

export interface ConnectRequest {
  oncomplete: (status: number) => void;
}

/** A listening server's handle. */
export interface ListenHandle {
  onconnection: (status: number, handle: TcpHandle | undefined) => void;
}

export interface Internals {
  readonly TCP: new (type: number) => TcpHandle;
  readonly TCPConnectWrap: new () => ConnectRequest;
  /** For a handle that is a connection. */
  readonly kSocket: number;
  readonly WriteWrap: new () => WriteRequest;
  readonly ShutdownWrap: new () => ShutdownRequest;
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kLastWriteWasAsync: number;
}

/** @throws when this Node does not give them out */
export function nodeInternals(): Internals {
  const { binding } = process as unknown as { binding(name: string): unknown };
  const stream = binding.call(process, 'stream_wrap') as Internals;
  const tcp = binding.call(process, 'tcp_wrap') as Internals & { readonly constants: { readonly SOCKET: number } };
  return {
    TCP: tcp.TCP,
    TCPConnectWrap: tcp.TCPConnectWrap,
    kSocket: tcp.constants.SOCKET,
    WriteWrap: stream.WriteWrap,
    ShutdownWrap: stream.ShutdownWrap,
    streamBaseState: stream.streamBaseState,
    kReadBytesOrError: stream.kReadBytesOrError,
    kLastWriteWasAsync: stream.kLastWriteWasAsync,
  };
}
