/** Schedules: what they ask for at a moment, when that changes, and how they are written, also when clocks are changed. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formatSchedule, parseSchedule, type Schedule } from '#core/schedule';
import { nextChange, nextScheduled, scheduledMin } from '#scaler/decider/schedule';

const OFFICE = scheduleOf('mon-fri 08:00-18:00 Europe/Berlin min=3');
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('what a schedule asks for', () => {
  test('begins with its first minute and ends before its last, on its days alone', () => {
    // A Friday in winter: Berlin is an hour ahead of UTC.
    assert.equal(scheduledMin(OFFICE, Date.parse('2026-01-16T06:59:59.999Z')), 0);
    assert.equal(scheduledMin(OFFICE, Date.parse('2026-01-16T07:00:00Z')), 3);
    assert.equal(scheduledMin(OFFICE, Date.parse('2026-01-16T16:59:59.999Z')), 3);
    assert.equal(scheduledMin(OFFICE, Date.parse('2026-01-16T17:00:00Z')), 0);
    assert.equal(scheduledMin(OFFICE, Date.parse('2026-01-17T10:00:00Z')), 0);
  });

  test('is the most that any of its times asks for', () => {
    const schedule = scheduleOf('00:00-24:00 min=1; mon 09:00-12:00 min=4; mon 10:00-11:00 min=2');
    assert.equal(scheduledMin(schedule, Date.parse('2026-01-12T10:30:00Z')), 4);
    assert.equal(scheduledMin(schedule, Date.parse('2026-01-13T10:30:00Z')), 1);
  });

  test('a time over midnight belongs to the day on which it begins', () => {
    const schedule = scheduleOf('sat 22:00-02:00 min=2');
    assert.equal(scheduledMin(schedule, Date.parse('2026-01-18T01:59:00Z')), 2); // Sunday
    assert.equal(scheduledMin(schedule, Date.parse('2026-01-17T01:59:00Z')), 0); // Saturday
  });

  test('its next change is found within a week, with what it asks for then; one that never changes has none', () => {
    const friday = Date.parse('2026-01-16T17:00:00Z');
    assert.deepEqual(nextScheduled(OFFICE, friday), { at: Date.parse('2026-01-19T07:00:00Z'), min: 3 });
    assert.deepEqual(nextScheduled(OFFICE, friday - HOUR_MS), { at: friday, min: 0 });
    assert.equal(nextScheduled(scheduleOf('00:00-24:00 min=2'), friday), null);
    assert.equal(nextScheduled([], friday), null);
  });

  test('8 o’clock stays 8 o’clock when the clocks are changed', () => {
    // Berlin changed from +1 to +2 on Sunday 2026-03-29.
    assert.equal(nextChange(OFFICE, Date.parse('2026-03-26T20:00:00Z'), DAY_MS), Date.parse('2026-03-27T07:00:00Z'));
    assert.equal(nextChange(OFFICE, Date.parse('2026-03-29T20:00:00Z'), DAY_MS), Date.parse('2026-03-30T06:00:00Z'));
  });

  test('what begins within the hour that is skipped begins with the hour after it', () => {
    const schedule = scheduleOf('02:30-04:00 Europe/Berlin min=2');
    assert.equal(nextChange(schedule, Date.parse('2026-03-29T00:10:00Z'), DAY_MS), Date.parse('2026-03-29T01:00:00Z'));
    assert.equal(nextChange(schedule, Date.parse('2026-03-29T01:00:00Z'), DAY_MS), Date.parse('2026-03-29T02:00:00Z'));
  });

  test('is what the clock of the time zone says, also on days on which clocks are changed', () => {
    const zones = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Asia/Kathmandu'];
    const begins = ['2026-03-28T12:00:00Z', '2026-10-24T12:00:00Z', '2026-04-04T00:00:00Z', '2026-03-07T12:00:00Z'];
    for (const zone of zones) {
      const options = {
        timeZone: zone,
        weekday: 'short',
        hour: '2-digit',
        minute: '2-digit',
        hourCycle: 'h23',
      } as const;
      const clock = new Intl.DateTimeFormat('en-GB', options);
      for (const begin of begins.map((text) => Date.parse(text))) {
        for (let at = begin; at < begin + 2 * DAY_MS; at += 37 * MINUTE_MS) {
          const [day = '', time = ''] = clock.format(at).split(/[, ]+/);
          const last = `${time.slice(0, 3)}59`;
          const window = `${day.toLowerCase()} ${time}-${time === last ? '24:00' : last} ${zone} min=7`;
          assert.equal(scheduledMin(scheduleOf(window), at), 7, `${window} at ${new Date(at).toISOString()}`);
        }
      }
    }
  });

  test('an hour that comes twice counts both times', () => {
    const schedule = scheduleOf('02:00-03:00 Europe/Berlin min=2');
    const begin = Date.parse('2026-10-25T00:00:00Z');
    assert.equal(scheduledMin(schedule, begin), 2);
    assert.equal(nextChange(schedule, begin, DAY_MS), begin + 2 * HOUR_MS);
  });
});

describe('the next change of a schedule', () => {
  test('there is none without a schedule', () => assert.equal(nextChange([], 0, DAY_MS), null));

  test('is looked for as far ahead as is asked: none by then, and it is time to look again', () => {
    const saturday = Date.parse('2026-01-17T00:00:00Z');
    assert.equal(nextChange(OFFICE, saturday, DAY_MS), saturday + DAY_MS);
    assert.equal(nextChange(OFFICE, saturday, MINUTE_MS), saturday + MINUTE_MS);
    const monday = Date.parse('2026-01-19T06:59:30Z');
    assert.equal(nextChange(OFFICE, monday, MINUTE_MS), monday + 30_000);
  });

  test('is found a week ahead without asking the clock of a time zone for every quarter of an hour', (t) => {
    const ask = t.mock.method(Intl.DateTimeFormat.prototype, 'formatToParts');
    assert.ok(nextScheduled(OFFICE, Date.parse('2026-01-16T17:00:00Z')) !== null);
    const sundays = scheduleOf('sun 20:00-21:00 Europe/Berlin min=2; sun 20:00-21:00 Asia/Tokyo min=2');
    assert.ok(nextScheduled(sundays, Date.parse('2026-01-18T21:00:00Z')) !== null);
    assert.ok(ask.mock.callCount() <= 40, `${ask.mock.callCount()} times`);
  });

  test('is never missed: what is asked for stays the same up to it, whatever the schedule and the moment', () => {
    const zones = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Asia/Kathmandu'];
    const window = fc.record({
      days: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1 }),
      from: fc.integer({ min: 0, max: 1439 }),
      to: fc.integer({ min: 1, max: 1440 }),
      timeZone: fc.constantFrom(...zones),
      min: fc.integer({ min: 1, max: 5 }),
    });
    const starts = ['2026-03-28T12:00:00Z', '2026-10-24T12:00:00Z', '2026-04-04T00:00:00Z', '2026-06-01T00:00:00Z'];
    const moment = fc.tuple(fc.constantFrom(...starts), fc.integer({ min: 0, max: 24 * 60 - 1 }));
    fc.assert(
      fc.property(fc.array(window, { minLength: 1, maxLength: 3 }), moment, (schedule, [day, minutes]) => {
        const begin = Date.parse(day) + minutes * MINUTE_MS + 1234;
        const next = nextChange(schedule, begin, DAY_MS);
        assert.ok(next !== null && next > begin && next <= begin + 24 * HOUR_MS);
        const present = scheduledMin(schedule, begin);
        for (let at = begin; at < next; at += 7 * MINUTE_MS) assert.equal(scheduledMin(schedule, at), present);
        if (next < begin + 24 * HOUR_MS) {
          assert.equal(scheduledMin(schedule, next - 1), present);
          assert.notEqual(scheduledMin(schedule, next), present);
        }
      }),
      { numRuns: 60, seed: 6 },
    );
  });
});

describe('a schedule as text', () => {
  test('what is shown reads as the same schedule', () => {
    const schedule = scheduleOf(
      'fri-mon 22:00-02:00 America/New_York min=12; 00:00-24:00 min=1; wed 09:05-10:00 min=2;',
    );
    assert.equal(
      formatSchedule(schedule),
      'sun,mon,fri,sat 22:00-02:00 America/New_York min=12; 00:00-24:00 UTC min=1; wed 09:05-10:00 UTC min=2',
    );
    assert.deepEqual(scheduleOf(formatSchedule(schedule)), schedule);
  });

  test('what was meant is named as a whole that can be read, or not at all', () => {
    const meant = {
      'montag-fr 8-18 Europe/Berln min:2': 'mon-fri 08:00-18:00 Europe/Berlin min=2',
      '9.30-18 UTC 3': '09:30-18:00 UTC min=3',
      'xyz 08:00-18:00 min=2': null, // Without the days it would be for all of them.
      '25:00-26:00 min=3': null,
      'mon- 08:00-12:00 min=1': null,
      '08:00-18:00 min:0': null,
      'mon-fri': null,
    };
    for (const [text, nearest] of Object.entries(meant)) {
      const parsed = parseSchedule(text);
      assert.ok(!parsed.ok);
      assert.equal(parsed.nearest, nearest, text);
    }
  });

  test('a text without any time is refused', () => assert.equal(parseSchedule(' ; ').ok, false));
});

function scheduleOf(text: string): Schedule {
  const parsed = parseSchedule(text);
  assert.ok(parsed.ok, text);
  return parsed.schedule;
}
