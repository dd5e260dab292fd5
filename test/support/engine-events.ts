/** What a test Engine itself has on record: the events of a container, asked for after the fact. */
import type { TestEngine } from './engine.ts';

export interface EngineEventQuery {
  readonly container: string;
  readonly action: string;
  /** Ms since the epoch. */
  readonly sinceMs: number;
}

export interface EngineEventRecord {
  readonly Action: string;
  readonly timeNano: number;
}

/** Events up to now, oldest first. */
export async function engineEvents(engine: TestEngine, query: EngineEventQuery): Promise<EngineEventRecord[]> {
  const stream = await engine.docker.getEvents({
    since: query.sinceMs / 1000,
    until: Date.now() / 1000,
    filters: { container: [query.container], event: [query.action] },
  });
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as EngineEventRecord);
}
