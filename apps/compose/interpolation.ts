/**
 * Variables in the values of a compose file: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:?why}`, `${NAME:+instead}`,
 * the same without the colon (then an empty value counts as one), and `$$` for a dollar sign. Defaults may hold variables.
 */

export interface Interpolation {
  readonly text: string;
  /** Names without a value and without a default: nothing stands in their place. */
  readonly unset: readonly string[];
  /** What is wrong; null: nothing. */
  readonly problem: string | null;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;
const OPERATOR = /^:?[-?+]/;
const DEPTH_MAX = 10;
const TEXT_MAX = 65_536;

export function interpolate(text: string, variables: ReadonlyMap<string, string>): Interpolation {
  if (!text.includes('$')) return { text, unset: [], problem: null };
  const unset = new Set<string>();
  try {
    return { text: filled(text, { variables, unset, depth: 0 }), unset: [...unset], problem: null };
  } catch (error) {
    if (error instanceof Wrong) return { text: '', unset: [], problem: error.message };
    throw error;
  }
}

class Wrong extends Error {}

interface Filling {
  readonly variables: ReadonlyMap<string, string>;
  readonly unset: Set<string>;
  readonly depth: number;
}

function filled(text: string, filling: Filling): string {
  if (filling.depth > DEPTH_MAX) throw new Wrong('Variables stand in defaults of variables too many times.');
  let done = '';
  let i = 0;
  for (;;) {
    const at = text.indexOf('$', i);
    if (at < 0) break;
    done += text.slice(i, at);
    const next = text[at + 1];
    if (next === '$') {
      done += '$';
      i = at + 2;
    } else if (next === '{') {
      const end = closing(text, at + 2);
      done += braced(text.slice(at + 2, end), filling);
      i = end + 1;
    } else {
      const [name] = NAME.exec(text.slice(at + 1, at + 257)) ?? [];
      if (name === undefined) throw new Wrong('A dollar sign stands alone: write it twice, $$.');
      done += variable(name, filling);
      i = at + 1 + name.length;
    }
    if (done.length > TEXT_MAX) throw new Wrong(`With its variables it is longer than ${TEXT_MAX} characters.`);
  }
  return done + text.slice(i);
}

/** Where the brace closes that was opened before. */
function closing(text: string, from: number): number {
  let open = 1;
  for (let i = from; i < text.length; i++) {
    if (text[i] === '$' && text[i + 1] === '{') open++;
    else if (text[i] === '}' && --open === 0) return i;
  }
  throw new Wrong(`A \${ is not closed: } is missing.`);
}

function braced(inside: string, filling: Filling): string {
  const [name] = NAME.exec(inside) ?? [];
  if (name === undefined) throw new Wrong(`\${${inside.slice(0, 40)}}: a name of a variable has to follow the brace.`);
  const rest = inside.slice(name.length);
  if (rest === '') return variable(name, filling);
  const [operator] = OPERATOR.exec(rest) ?? [];
  if (operator === undefined) throw new Wrong(`\${${name}…}: after the name only :-, -, :?, ?, :+ or + can follow.`);
  const word = rest.slice(operator.length);
  const value = filling.variables.get(name);
  const isThere = operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined;
  const below = { ...filling, depth: filling.depth + 1 };
  if (operator.endsWith('+')) return isThere ? filled(word, below) : '';
  if (isThere) return value ?? '';
  if (operator.endsWith('-')) return filled(word, below);
  throw new Wrong(`${name} is needed${word === '' ? '' : `: ${filled(word, below)}`}.`);
}

function variable(name: string, { variables, unset }: Filling): string {
  const value = variables.get(name);
  if (value === undefined) unset.add(name);
  return value ?? '';
}
