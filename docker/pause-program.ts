/**
 * The program of a pause container: a static ELF file of some 300 bytes, put together here, because no compiler may be
 * assumed where Tidegate runs. As process 1 it holds the namespaces of its replica, has the kernel reap orphans (which
 * come to it where processes are shared), and ends at once on SIGTERM or SIGINT:
 *
 *     rt_sigaction(SIGCHLD, SIG_IGN)           children that end are reaped by the kernel
 *     rt_sigprocmask(SIG_BLOCK, INT | TERM)    blocked, they wait to be fetched: process 1 ignores them otherwise
 *     do signal = rt_sigtimedwait(INT | TERM) while signal < 0
 *     exit_group(0)
 *
 * signal(7), rt_sigaction(2), rt_sigtimedwait(2), elf(5); numbers of system calls from the kernel's tables of each
 * architecture.
 */

/** As the Engine names them. */
export const PAUSE_ARCHITECTURES = ['amd64', 'arm64'] as const;
export type PauseArchitecture = (typeof PAUSE_ARCHITECTURES)[number];

const SIGINT = 2;
const SIGTERM = 15;
const SIGCHLD = 17;
const SIG_IGN = 1n;
const SIG_BLOCK = 0;
/** Of the kernel's set of signals. */
const SIGNAL_SET_BYTES = 8;

const EM_X86_64 = 62;
const EM_AARCH64 = 183;
/** Where the file is in memory, headers and all. */
const LOAD_ADDRESS = 0x40_0000;
/** The largest page either architecture has. */
const ALIGNMENT_BYTES = 0x1_0000;
const ELF_HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;

/** Data come first, so that their addresses do not depend on the length of the code. */
const SET_ADDRESS = LOAD_ADDRESS + ELF_HEADER_BYTES + PROGRAM_HEADER_BYTES;
const ACTION_ADDRESS = SET_ADDRESS + SIGNAL_SET_BYTES;
/** struct sigaction of the kernel: handler, flags, restorer, mask. */
const ACTION_BYTES = 32;
const CODE_ADDRESS = ACTION_ADDRESS + ACTION_BYTES;

/** The whole file. */
export function pauseProgram(architecture: PauseArchitecture): Buffer {
  const [machine, code] = architecture === 'amd64' ? [EM_X86_64, codeAmd64()] : [EM_AARCH64, codeArm64()];
  const data = Buffer.alloc(SIGNAL_SET_BYTES + ACTION_BYTES);
  data.writeBigUInt64LE((1n << BigInt(SIGINT - 1)) | (1n << BigInt(SIGTERM - 1)), 0);
  data.writeBigUInt64LE(SIG_IGN, SIGNAL_SET_BYTES);
  const size = CODE_ADDRESS - LOAD_ADDRESS + code.length;
  return Buffer.concat([elfHeader(machine), programHeader(size), data, code]);
}

/** System V ABI: number in eax, arguments in rdi, rsi, rdx, r10; the call keeps all but rax, rcx and r11. */
function codeAmd64(): Buffer {
  const begin = [
    ...[0xb8, ...le32(13)], //              mov eax, 13 (rt_sigaction)
    ...[0xbf, ...le32(SIGCHLD)], //         mov edi, SIGCHLD
    ...[0xbe, ...le32(ACTION_ADDRESS)], //  mov esi, action
    ...[0x31, 0xd2], //                     xor edx, edx
    ...[0x41, 0xba, ...le32(SIGNAL_SET_BYTES)], // mov r10d, 8
    ...[0x0f, 0x05], //                     syscall
    ...[0xb8, ...le32(14)], //              mov eax, 14 (rt_sigprocmask)
    ...[0xbf, ...le32(SIG_BLOCK)], //       mov edi, SIG_BLOCK
    ...[0xbe, ...le32(SET_ADDRESS)], //     mov esi, set
    ...[0x0f, 0x05], //                     syscall (edx still 0, r10 still 8)
  ];
  const wait = [
    ...[0xb8, ...le32(128)], //             mov eax, 128 (rt_sigtimedwait)
    ...[0xbf, ...le32(SET_ADDRESS)], //     mov edi, set
    ...[0x31, 0xf6], //                     xor esi, esi
    ...[0x0f, 0x05], //                     syscall
    ...[0x85, 0xc0], //                     test eax, eax
  ];
  const jumpBytes = 2;
  const end = [
    ...[0x7e, -(wait.length + jumpBytes) & 0xff], // jle wait
    ...[0xb8, ...le32(231)], //             mov eax, 231 (exit_group)
    ...[0x31, 0xff], //                     xor edi, edi
    ...[0x0f, 0x05], //                     syscall
  ];
  return Buffer.from([...begin, ...wait, ...end]);
}

/** AAPCS64 on Linux: number in x8, arguments in x0 to x3; the call keeps all but x0. Instructions are words. */
function codeArm64(): Buffer {
  const movz = (register: number, value: number): number => (0xd280_0000 | (value << 5) | register) >>> 0;
  const movk16 = (register: number, value: number): number => (0xf2a0_0000 | (value << 5) | register) >>> 0;
  /** An address in two halves. */
  const load = (register: number, address: number): number[] => [
    movz(register, address & 0xffff),
    movk16(register, address >>> 16),
  ];
  const svc = 0xd400_0001;
  const begin = [
    movz(8, 134), // rt_sigaction
    movz(0, SIGCHLD),
    ...load(1, ACTION_ADDRESS),
    movz(2, 0),
    movz(3, SIGNAL_SET_BYTES),
    svc,
    movz(8, 135), // rt_sigprocmask
    movz(0, SIG_BLOCK),
    ...load(1, SET_ADDRESS),
    svc,
    movz(8, 137), // rt_sigtimedwait
  ];
  const wait = [...load(0, SET_ADDRESS), movz(1, 0), svc];
  /** tbnz x0, #63, wait: the sign of the answer; the distance is in words. */
  const back = (0xb7f8_0000 | ((-wait.length & 0x3fff) << 5)) >>> 0;
  const end = [back, movz(8, 94), movz(0, 0), svc]; // exit_group
  return Buffer.from([...begin, ...wait, ...end].flatMap(le32));
}

/** elf(5), Elf64_Ehdr: an executable for Linux, little endian, with one program header and no sections. */
function elfHeader(machine: number): Buffer {
  const header = Buffer.alloc(ELF_HEADER_BYTES);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // ELF, 64 bits, little endian, version 1
  header.writeUInt16LE(2, 16); // ET_EXEC
  header.writeUInt16LE(machine, 18);
  header.writeUInt32LE(1, 20); // version
  header.writeBigUInt64LE(BigInt(CODE_ADDRESS), 24); // entry
  header.writeBigUInt64LE(BigInt(ELF_HEADER_BYTES), 32); // program headers
  header.writeUInt16LE(ELF_HEADER_BYTES, 52);
  header.writeUInt16LE(PROGRAM_HEADER_BYTES, 54);
  header.writeUInt16LE(1, 56); // program headers
  header.writeUInt16LE(64, 58); // size of a section header, of which there are none
  return header;
}

/** Elf64_Phdr: the whole file, readable and executable. */
function programHeader(size: number): Buffer {
  const header = Buffer.alloc(PROGRAM_HEADER_BYTES);
  header.writeUInt32LE(1, 0); // PT_LOAD
  header.writeUInt32LE(5, 4); // PF_R | PF_X
  for (const at of [16, 24]) header.writeBigUInt64LE(BigInt(LOAD_ADDRESS), at); // virtual, physical
  for (const at of [32, 40]) header.writeBigUInt64LE(BigInt(size), at); // in the file, in memory
  header.writeBigUInt64LE(BigInt(ALIGNMENT_BYTES), 48);
  return header;
}

function le32(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff];
}
