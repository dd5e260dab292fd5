/** Server-Sent Events, whatever pieces they come in. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { ServerSentEvents } from '#cli/server-sent-events';

const STREAM =
  'retry: 2000\n\n: quiet\nid: a\n\nid: b\ndata: {"n":1}\n\nevent: gap\r\ndata: x\r\ndata:y\r\n\r\nid: c\n\n';

test('events are the same however the stream is cut', () => {
  for (let size = 1; size <= STREAM.length; size++) {
    const parser = new ServerSentEvents(null);
    const events = [];
    for (let i = 0; i < STREAM.length; i += size) events.push(...parser.push(STREAM.slice(i, i + size)));
    assert.deepEqual(events, [
      { type: 'message', data: '{"n":1}' },
      { type: 'gap', data: 'x\ny' },
    ]);
    assert.deepEqual([parser.lastId, parser.retryMs], ['c', 2000], 'also from blocks without data');
  }
});

test('what was not whole when a stream broke does not go into the next one', () => {
  const parser = new ServerSentEvents('a');
  assert.deepEqual(parser.push('id: b\ndata: half'), []);
  parser.break();
  assert.equal(parser.lastId, 'a', 'the half event is asked for again');
  assert.deepEqual(parser.push('data: whole\n\n'), [{ type: 'message', data: 'whole' }]);
});
