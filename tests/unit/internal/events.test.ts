// The event stream and its digest: same events, same text; anything else, another text.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Digest, Ev, Events, eventNames } from '../../../runtime/internal/events.ts';

const event = fc.tuple(fc.integer({ min: 1, max: 30 }), ...Array.from({ length: 4 }, () => fc.maxSafeInteger()));
const digestOf = (list: readonly (readonly number[])[]) => {
  const digest = new Digest();
  for (const [kind, a, b, c, d] of list) digest.read(kind!, a!, b!, c!, d!);
  return String(digest);
};

test('a stream that nobody reads is off; readers hear everything in order', () => {
  const events = new Events();
  expect(events.on).toBe(false);
  const heard: string[] = [];
  events.subscribe((...event) => heard.push(`first ${event}`));
  events.subscribe((...event) => heard.push(`second ${event}`));
  expect(events.on).toBe(true);
  events.emit(Ev.malloc, 64, 16);
  events.emit(Ev.goYield, 1);
  expect(heard).toEqual(['first 10,64,16,0,0', 'second 10,64,16,0,0', 'first 5,1,0,0,0', 'second 5,1,0,0,0']);
});

test('every kind has a name of its own', () => {
  // biome-ignore format: one glance
  const kinds = [
    Ev.goCreate, Ev.goStart, Ev.goPark, Ev.goReady, Ev.goYield, Ev.goEnd, Ev.goPreempt, Ev.goSysCall, Ev.goSysExit, Ev.malloc, Ev.free,
    Ev.barrier, Ev.goSysBlock, Ev.gcPhase, Ev.sweepSpan, Ev.profileRotate, Ev.gcMarkDone, Ev.choice, Ev.procStart, Ev.procStop,
    Ev.threadCreate, Ev.threadExit, Ev.stwStart, Ev.stwDone, Ev.gomaxprocs, Ev.workerStart, Ev.workerStop,
    Ev.assistStart, Ev.assistDone,
  ];
  expect(Object.keys(eventNames).map(Number)).toEqual(kinds);
  expect(new Set(Object.values(eventNames)).size).toBe(kinds.length);
});

test('the digest of a known stream is pinned: it must not depend on the machine or the version of Node', () => {
  expect(digestOf([])).toBe('0-01000193811c9dc5');
  expect(
    digestOf([
      [Ev.malloc, 16384, 16, 1, 0],
      [Ev.free, -1, 2 ** 40 + 5, 0, 0],
    ]),
  ).toBe('2-76d2d931c2d2a6d1');
});

test('equal streams have equal digests, and a change anywhere shows', () => {
  fc.assert(
    fc.property(
      fc.array(event, { minLength: 1, maxLength: 20 }),
      fc.nat(),
      fc.nat(4),
      fc.integer({ min: 0, max: 52 }),
      (list, at, field, bit) => {
        expect(digestOf(list)).toBe(digestOf(list.map((e) => [...e])));
        const changed = list.map((e) => [...e]);
        const e = changed[at % list.length]!;
        const delta = e[field]! > 0 ? -(2 ** bit) : 2 ** bit;
        fc.pre(Math.abs(e[field]! + delta) <= Number.MAX_SAFE_INTEGER);
        e[field]! += delta;
        expect(digestOf(changed)).not.toBe(digestOf(list));
        expect(digestOf([...list, [Ev.goYield, 0, 0, 0, 0]])).not.toBe(digestOf(list));
      },
    ),
  );
});

test('the order of events shows', () => {
  const [a, b] = [
    [Ev.malloc, 8, 0, 0, 0],
    [Ev.malloc, 16, 0, 0, 0],
  ];
  expect(digestOf([a!, b!])).not.toBe(digestOf([b!, a!]));
});
