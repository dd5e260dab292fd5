/**
 * Signals as the Engine names them: numbers in its events, names in a container's configuration. The numbers are those
 * of Linux, where the containers run, whatever runs Tidegate.
 */

/** Names without SIG, in the order of their numbers, from 1 (signal(7), x86 and ARM). */
const NAMES =
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'.split(
    ' ',
  );
const RTMIN = 34;
const RTMAX = 64;
/** A process that gets one of these is asked to end, whatever its stop signal is. */
const ENDING = ['SIGINT', 'SIGQUIT', 'SIGKILL', 'SIGTERM'].map(signalNumber);

/** True when a `kill` with this signal means that the container is about to end. */
export function asksToEnd(signal: string, stopSignal: string): boolean {
  const number = signalNumber(signal);
  return number !== null && (ENDING.includes(number) || number === signalNumber(stopSignal));
}

/** The number of a signal: `15`, `SIGTERM`, `term`, `SIGRTMIN+3`; null when it is none. */
export function signalNumber(text: string): number | null {
  if (/^\d{1,2}$/.test(text)) return Number(text);
  const name = text.toUpperCase().replace(/^SIG/, '');
  const realTime = /^RTM(IN|AX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (realTime !== null) {
    const offset = Number(`${realTime[2] ?? '+'}${realTime[3] ?? 0}`);
    return (realTime[1] === 'IN' ? RTMIN : RTMAX) + offset;
  }
  const place = NAMES.indexOf(name);
  return place < 0 ? null : place + 1;
}
