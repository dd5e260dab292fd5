/** Times, sizes and command lines as compose files write them. */
import { parseBytes } from '#core/bytes';

const UNIT_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const POWER: Readonly<Record<string, number>> = { k: 1, m: 2, g: 3 };

/** Milliseconds of `1m30s`, `2.5s`, `500ms`; null: it is no time. */
export function composeDuration(text: string): number | null {
  if (text === '0') return 0;
  if (!/^(?:\d{1,9}(?:\.\d{1,6})?(?:us|ms|s|m|h)){1,5}$/.test(text)) return null;
  let ms = 0;
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(us|ms|s|m|h)/g)) {
    ms += Number(count) * (UNIT_MS[unit ?? ''] ?? 0);
  }
  return Math.round(ms);
}

/** Bytes of `512m`, `1.5gb`, `1073741824`; null: it is no size. */
export function composeBytes(text: string): number | null {
  const whole = parseBytes(text);
  if (whole !== null) return whole;
  const [, count, unit] = /^(\d{1,9}\.\d{1,6})([kmg])(?:i?b)?$/i.exec(text) ?? [];
  return count === undefined ? null : Math.floor(Number(count) * 1024 ** (POWER[(unit ?? '').toLowerCase()] ?? 0));
}

/** A command line as a shell splits it; nothing in it is run or replaced. Null: a quote is not closed. */
export function wordsOf(line: string): readonly string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  let quote: '"' | "'" | null = null;
  for (let i = 0; i < line.length; i++) {
    const char = line[i] ?? '';
    if (quote === "'") {
      if (char === quote) quote = null;
      else word += char;
    } else if (char === '\\' && i + 1 < line.length) {
      const next = line[++i] ?? '';
      // Between double quotes it says something before these alone.
      word = (word ?? '') + (quote === null || '"\\$`'.includes(next) ? next : `\\${next}`);
    } else if (quote !== null) {
      if (char === quote) quote = null;
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + char;
  }
  if (quote !== null) return null;
  if (word !== null) words.push(word);
  return words;
}
