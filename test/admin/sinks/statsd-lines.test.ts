/** Metrics as StatsD reads them: growth of counters, gauges as they are, labels as tags or as parts of names. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetricPicture } from '#admin/sinks/sink';
import { StatsdLines } from '#admin/sinks/statsd-lines';

function picture(...families: readonly Omit<MetricPicture['families'][number], 'help'>[]): MetricPicture {
  return { at: 0, families: families.map((family) => ({ help: '', ...family })) };
}

function requests(value: number, isOlder = false) {
  return {
    ...{ name: 'tidegate_requests_total', type: 'counter' as const, isOlder },
    samples: [{ labels: { app: 'shop', status: '2xx' }, value }],
  };
}

test('a counter is told by what it grew, one that was there before by what it grew since it is known', () => {
  const lines = new StatsdLines({ prefix: 'edge.', hasTags: true });
  const sent = (from: StatsdLines, ...given: Parameters<typeof requests>): string[] => {
    const datagrams = from.datagrams(picture(requests(...given)));
    from.took();
    return datagrams;
  };
  const name = 'edge.tidegate_requests_total';
  const tags = '|#app:shop,status:2xx';
  assert.deepEqual(sent(lines, 5), [`${name}:5|c${tags}`]);
  assert.deepEqual(sent(lines, 5), []);
  assert.deepEqual(sent(lines, 7.5), [`${name}:2.5|c${tags}`]);
  assert.deepEqual(sent(lines, 2), [`${name}:2|c${tags}`], 'it began anew');
  const older = new StatsdLines({ prefix: '', hasTags: true });
  assert.deepEqual(sent(older, 100, true), []);
  assert.deepEqual(sent(older, 101, true), [`tidegate_requests_total:1|c${tags}`]);
});

test('growth that could not be sent is told with the next', () => {
  const lines = new StatsdLines({ prefix: '', hasTags: true });
  lines.datagrams(picture(requests(5)));
  lines.took();
  lines.datagrams(picture(requests(7)));
  const tags = '|#app:shop,status:2xx';
  assert.deepEqual(lines.datagrams(picture(requests(8))), [`tidegate_requests_total:3|c${tags}`]);
  lines.took();
  assert.deepEqual(lines.datagrams(picture(requests(8))), []);
});

test('gauges are as they are, never with an exponent; distributions by sum and count', () => {
  const lines = new StatsdLines({ prefix: '', hasTags: true });
  const all = lines.datagrams(
    picture(
      { name: 'tidegate_load', type: 'gauge', samples: [{ value: 1.5e-7 }, { value: Number.POSITIVE_INFINITY }] },
      {
        name: 'tidegate_seconds',
        type: 'histogram',
        samples: [
          { suffix: '_bucket', labels: { le: '1' }, value: 1 },
          { suffix: '_sum', value: 0.25 },
          { suffix: '_count', value: 1 },
        ],
      },
    ),
  );
  assert.deepEqual(all, ['tidegate_load:0|g\ntidegate_seconds_sum:0.25|c\ntidegate_seconds_count:1|c']);
});

test('what would break a line does not get into one, with tags and without', () => {
  const labels = { app: 'a|b,c\nd#é', set: '' };
  const families = picture({ name: 'tidegate_up', type: 'gauge', samples: [{ labels, value: 1 }] });
  const tagged = new StatsdLines({ prefix: '', hasTags: true });
  assert.deepEqual(tagged.datagrams(families), ['tidegate_up:1|g|#app:a_b_c_d__,set:']);
  const plain = new StatsdLines({ prefix: '', hasTags: false });
  assert.deepEqual(plain.datagrams(families), ['tidegate_up.a_b_c_d__.none:1|g']);
});

test('datagrams fit into a packet, and no line is cut', () => {
  const samples = Array.from({ length: 200 }, (_, n) => ({ labels: { set: `set-${n}` }, value: n }));
  const datagrams = new StatsdLines({ prefix: '', hasTags: true }).datagrams(
    picture({ name: 'tidegate_set_held', type: 'gauge', samples }),
  );
  assert.ok(datagrams.length > 1);
  assert.ok(datagrams.every((one) => Buffer.byteLength(one) <= 1432));
  const lines = datagrams.flatMap((one) => one.split('\n'));
  assert.equal(lines.length, 200);
  for (const line of lines) assert.match(line, /^tidegate_set_held:\d+\|g\|#set:set-\d+$/);
});
