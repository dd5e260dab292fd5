/** Tokens of the API as they stand in texts: what is told to others is told without them. */

/** `tide_pat_…`, whether or not it is one in force. */
const TOKEN = /tide_[a-z]{2,8}_\w+/gi;

/** The text with nothing left of tokens but that there was one. */
export function withoutTokens(text: string): string {
  return text.replaceAll(TOKEN, 'tide_…');
}
