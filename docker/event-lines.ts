/**
 * The Engine's event stream as text: bytes to lines, a line to an event. Pieces may break anywhere, also within a
 * character; a line that cannot be read costs that line alone.
 */
import { ENGINE_ACTIONS, type EngineAction, type EngineEvent } from './engine.ts';

/** No event is longer: what is, is no event stream. */
const LONGEST_LINE_LENGTH = 1_048_576;

/**
 * Whole lines of a stream. What follows the last line break is an event cut short and left out.
 * @throws RangeError for a line without end, and whatever the stream throws
 */
export async function* linesOf(stream: AsyncIterable<Uint8Array | string>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of stream) {
    const text = typeof piece === 'string' ? piece : decoder.decode(piece, { stream: true });
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST_LINE_LENGTH) throw new RangeError('the Engine sends a line without end as an event');
    for (const line of lines) if (line.trim() !== '') yield line;
  }
}

/** An event and what tells it from all others. */
export interface ReadEvent {
  readonly key: string;
  readonly event: EngineEvent;
}

/** Reads a line: an event, `null` for one that nobody here follows, `garbage` for what is no event. */
export function readEvent(line: string): ReadEvent | null | 'garbage' {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    return 'garbage';
  }
  if (!isMessage(message)) return 'garbage';
  const { Type: type, Action, Actor, timeNano } = message;
  const attributes = Actor.Attributes ?? {};
  // "health_status: healthy", "exec_create: sh -c …"
  const [verb = '', ...words] = Action.split(': ');
  const action = ENGINE_ACTIONS.find((one) => one === (type === 'container' ? verb : `${type}_${verb}`));
  const containerId = type === 'container' ? Actor.ID : attributes.container;
  if (action === undefined || containerId === undefined || containerId === '') return null;
  return {
    key: `${timeNano} ${Action} ${Actor.ID} ${containerId}`,
    event: { action, containerId, attributes: attributesOf(action, attributes, words.join(': ')), at: timeNano / 1e6 },
  };
}

/** The words after the action are an attribute of its name: `health_status` → `healthy`. */
function attributesOf(action: EngineAction, attributes: Readonly<Record<string, string>>, words: string) {
  if (action === 'network_connect' || action === 'network_disconnect') return {};
  return words === '' ? attributes : { ...attributes, [action]: words };
}

interface Message {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes?: Readonly<Record<string, string>> | null };
  readonly timeNano: number;
}

function isMessage(value: unknown): value is Message {
  if (typeof value !== 'object' || value === null) return false;
  const { Type, Action, Actor, timeNano } = value as Record<string, unknown>;
  if (typeof Type !== 'string' || typeof Action !== 'string' || typeof timeNano !== 'number') return false;
  return typeof Actor === 'object' && Actor !== null && typeof (Actor as Record<string, unknown>).ID === 'string';
}
