/** Questions at the terminal. They stand on stderr, so that data on stdout stays data. */
import type { Source, World } from './world.ts';

const ENTER = /[\r\n]/;
const BACKSPACE = /[\b\u007f]/;
/** Ctrl-C and Ctrl-D, which come as characters while the terminal shows nothing. */
const ENDS: readonly string[] = ['\u0003', '\u0004'];

type Terminal = Pick<World, 'stdin' | 'stderr' | 'interrupted'>;

/** All that is on stdin when it is no terminal. */
export async function textOfStdin(stdin: Source): Promise<string> {
  let text = '';
  stdin.setEncoding('utf8');
  for await (const chunk of stdin) text += chunk;
  return text;
}

/** True: yes. Everything else is no. */
export async function agrees(question: string, { stdin, stderr, interrupted }: Terminal): Promise<boolean> {
  stderr.write(`${question} [y/N] `);
  const answer = await firstLine(stdin, interrupted);
  return /^(?:y|yes)$/i.test((answer ?? '').trim());
}

/** A line that does not appear on the screen; null: there was none. */
export async function secret(question: string, { stdin, stderr, interrupted }: Terminal): Promise<string | null> {
  stderr.write(`${question}: `);
  stdin.setRawMode?.(true);
  try {
    return await firstLine(stdin, interrupted);
  } finally {
    stdin.setRawMode?.(false);
    stderr.write('\n');
  }
}

function firstLine(stdin: Source, interrupted: AbortSignal): Promise<string | null> {
  stdin.setEncoding('utf8');
  return new Promise((resolve) => {
    let line = '';
    const finish = (answer: string | null): void => {
      stdin.off('data', onData);
      stdin.off('end', onEnd);
      interrupted.removeEventListener('abort', onEnd);
      // A terminal that is read keeps the process alive.
      stdin.pause();
      resolve(answer);
    };
    const onEnd = (): void => finish(line === '' ? null : line);
    const onData = (chunk: string): void => {
      for (const character of chunk) {
        if (ENTER.test(character) || ENDS.includes(character)) {
          finish(ENTER.test(character) ? line : null);
          return;
        }
        line = BACKSPACE.test(character) ? line.slice(0, -1) : line + character;
      }
    };
    stdin.on('data', onData);
    stdin.on('end', onEnd);
    interrupted.addEventListener('abort', onEnd, { once: true });
    stdin.resume();
  });
}
