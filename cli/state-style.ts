/** The colour of a state: the word says what it is, the colour whether somebody has to act. */
import type { Cell, Style } from './output.ts';

const WORDS = {
  good: 'up ready active ok True valid reachable serve succeeded',
  bad: 'fail failed wake-failed unhealthy degraded expired revoked wrong missing conflict False refuse none rolled-back',
  waiting:
    'waking starting queued issuing renewing rate-limited Unknown warn wake queued resolving creating probing shifting holding draining pending running canceling',
} as const satisfies Partial<Record<Style, string>>;

const STYLE_OF = new Map(
  Object.entries(WORDS).flatMap(([style, words]) => words.split(' ').map((word) => [word, style as Style] as const)),
);

export function stateCell(state: string): Cell {
  return { text: state, style: STYLE_OF.get(state) ?? (state.startsWith('pending_') ? 'waiting' : null) };
}
