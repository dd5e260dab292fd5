/**
 * Where the token comes from: the environment, what `tide login` has kept, or the state directory of a Tidegate on this
 * machine. A kept token belongs to the URL it was given for and goes to no other.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '#core/errors';
import { CommandFailure } from './command-failure.ts';
import { EXIT } from './exit-codes.ts';
import { DEFAULT_URL } from './gateway-url.ts';
import type { World } from './world.ts';

const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
const FILE = 'credentials.json';
/** What can stand in a header; an error about one that cannot would say the token. */
const TOKEN = /^[\x21-\x7e]+$/;

type Place = Pick<World, 'env' | 'directory' | 'home'>;

export interface Credential {
  readonly token: string;
  /** Where it was found, for people. */
  readonly from: string;
}

/** Null: there is none for this URL. */
export function findCredential(url: string, place: Place): Credential | null {
  const { env } = place;
  const given = env.TIDEGATE_TOKEN?.trim();
  if (given) return { token: checkedToken(given, 'TIDEGATE_TOKEN'), from: 'TIDEGATE_TOKEN' };
  const file = credentialsFile(place);
  const kept = keptTokens(file)[url];
  if (kept !== undefined) return { token: checkedToken(kept, file), from: file };
  if (url !== DEFAULT_URL) return null;
  const own = path.join(dataDirectory(place), 'operator.token');
  const token = textOf(own)?.trim();
  return token ? { token: checkedToken(token, own), from: own } : null;
}

/** Keeps the token for this URL; null: forgets it. @returns whether that changed anything */
export function keepToken(url: string, token: string | null, place: Place): boolean {
  const file = credentialsFile(place);
  const { [url]: before, ...others } = keptTokens(file);
  if (token === (before ?? null)) return false;
  const tokens = token === null ? others : { ...others, [url]: token };
  const made = `${file}.new`;
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: DIRECTORY_MODE });
    // What an interrupted run left behind would keep the mode it has.
    rmSync(made, { force: true });
    writeFileSync(made, `${JSON.stringify({ tokens }, null, 2)}\n`, { mode: FILE_MODE, flag: 'wx' });
    renameSync(made, file);
  } catch (error) {
    throw new CommandFailure(`${file} cannot be written: ${messageOf(error)}`, { exit: EXIT.failed });
  }
  return true;
}

export function credentialsFile({ env, home }: Place): string {
  const config = env.XDG_CONFIG_HOME?.trim();
  // The specification wants relative paths ignored.
  const base = config && path.isAbsolute(config) ? config : path.join(home, '.config');
  return path.join(base, 'tidegate', FILE);
}

/** State directory of a Tidegate that was started here. */
export function dataDirectory({ env, directory }: Pick<World, 'env' | 'directory'>): string {
  return path.resolve(directory, env.TIDEGATE_DATA?.trim() || './.tidegate');
}

/** @throws CommandFailure that does not say the token */
export function checkedToken(token: string, from: string): string {
  if (TOKEN.test(token)) return token;
  const fix = ['A token looks like tide_op_…, on one line.'];
  throw new CommandFailure(`What ${from} holds is no token.`, { exit: EXIT.auth, fix });
}

function keptTokens(file: string): Record<string, string> {
  const text = textOf(file);
  if (text === null) return {};
  try {
    const { tokens } = JSON.parse(text) as { tokens?: unknown };
    const pairs = typeof tokens === 'object' && tokens !== null ? Object.entries(tokens) : [];
    return Object.fromEntries(pairs.filter((pair) => typeof pair[1] === 'string'));
  } catch {
    const fix = ['Remove it, and run `tide login` again.'];
    throw new CommandFailure(`${file} is not JSON.`, { exit: EXIT.failed, fix });
  }
}

/** Null: not there, or not ours to read. */
function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
