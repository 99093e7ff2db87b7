// events.jsonl: every event of a run is in it, with its numbers by name; the reader takes that and nothing else.
import { describe, expect, test } from 'vitest';
import { churn } from '../../../examples/churn.ts';
import { eventLogNames } from '../../../runtime/eventlog.ts';
import { type EventRecord, eventNames, eventsVersion, Runtime, readEventLog } from '../../../runtime/index.ts';
import { Ev } from '../../../runtime/internal/events.ts';

/** A run's file and the events of the stream. */
function logged() {
  const rt = new Runtime({ heapBytes: 8 << 20, procs: 2, gogc: 10, seed: 5, memProfileRate: 4096, godebug: 'gctrace=0' });
  const pieces: string[] = [];
  const log = rt.eventLog((text) => pieces.push(text));
  const events: number[][] = [];
  rt.machine.subscribe((...event) => events.push([...event, rt.machine.sched.now()]));
  rt.run(churn(12_000));
  log.flush();
  return { rt, log, events, pieces, lines: pieces.join('').trimEnd().split('\n') };
}

test('each event is a line, in order, with its time and its numbers', () => {
  const { lines, events, rt, log } = logged();
  const [head, ...records] = [...readEventLog(lines)];
  expect(head).toEqual({ format: 'gorena events', version: 1, events: eventsVersion, seed: 5, procs: 2 });
  const read = records.filter((r): r is EventRecord => 'at' in r);
  expect(read.length).toBe(events.length);
  expect(log.events).toBe(events.length);
  for (const [i, r] of read.entries()) {
    const [kind, a, b, c, , at] = events[i]!;
    expect([r.ev, r.at]).toEqual([eventNames[kind!], at]);
    if (r.ev === 'Malloc') expect([r.addr, r.bytes, r.type]).toEqual([a, b, c]);
    if (r.ev === 'GoReady') expect([r.goid, r.waker, r.p]).toEqual([a, b, c]);
    if (r.ev === 'STWDone') expect([r.nanos, r.p]).toEqual([b, c]);
  }
  const kinds = new Set(read.map(({ ev }) => ev));
  for (const kind of ['GoCreate', 'GoPark', 'GoReady', 'Malloc', 'GCPhase', 'STWStart', 'ProcStart'] as const)
    expect(kinds).toContain(kind);
  expect(rt.stats().mallocs).toBe(read.filter(({ ev }) => ev === 'Malloc').length);
});

test('pcs and types are explained before they are used, once', () => {
  const { lines, rt } = logged();
  const known = new Set<string>();
  for (const r of readEventLog(lines)) {
    if (!('ev' in r)) continue;
    if (r.ev === 'Symbol' || r.ev === 'Type') {
      const key = r.ev === 'Symbol' ? `pc ${r.pc}` : `type ${r.type}`;
      expect(known.has(key)).toBe(false);
      known.add(key);
    }
    if (r.ev === 'Symbol') expect(r.func).toBe(rt.machine.symtab.frame(r.pc).func);
    if (r.ev === 'GoCreate') expect(known).toContain(`pc ${r.pc}`);
    if (r.ev === 'Malloc') expect(known).toContain(`type ${r.type}`);
  }
  expect([...known].some((key) => key.startsWith('type'))).toBe(true);
});

test('the file comes in pieces, and the same run gives the same bytes', () => {
  const [a, b] = [logged(), logged()];
  expect(a.pieces.length).toBeGreaterThan(3);
  for (const piece of a.pieces) expect(piece.length).toBeLessThan(70_000);
  expect(b.pieces.join('')).toBe(a.pieces.join(''));
});

test('kinds have the names of the stream', () => {
  const names = eventLogNames();
  expect(names.length).toBe(Object.keys(eventNames).length);
  for (const [ours, theirs] of names) expect(ours).toBe(theirs);
  expect(eventNames[Ev.malloc]).toBe('Malloc');
});

describe('what is no such file is refused, with its line', () => {
  const head = `{"format":"gorena events","version":1,"events":${eventsVersion},"seed":1,"procs":1}`;
  const park = '{"ev":"GoPark","at":5,"goid":1,"reason":2,"p":0}';
  test.each<[string[], string]>([
    [[], 'line 1: the file is empty, wanted {"format":"gorena events",…}'],
    [['{}'], 'line 1: no "format":"gorena events": this is no file of events'],
    [[head.replace('"version":1', '"version":2')], 'line 1: version 2, wanted 1'],
    [[head.replace(`"events":${eventsVersion}`, '"events":1')], `line 1: events of version 1, wanted ${eventsVersion}`],
    [[head, park, '{"ev":"GoPa'], 'line 3: got {"ev":"GoPa, wanted an object of JSON'],
    [[head, '[1]'], 'line 2: got [1], wanted an object of JSON'],
    [[head, '', park], 'line 2: got nothing, wanted an object of JSON'],
    [[head, park.replace('GoPark', 'GoSleep')], 'line 2: there is no event GoSleep'],
    [[head, park.replace('"reason":2,', '')], 'line 2: GoPark.reason is undefined, wanted a number'],
    [[head, park.replace('2', '"2"')], 'line 2: GoPark.reason is 2, wanted a number'],
    [[head, park.replace('"p":0', '"p":0,"q":1')], 'line 2: GoPark has no field q'],
    [[head, '{"ev":"Type","type":1}'], 'line 2: Type.name is undefined, wanted a text'],
  ])('%j', (lines, message) => {
    expect(() => [...readEventLog(lines)]).toThrow(new RangeError(message));
  });

  test('and a program that has begun cannot be logged from its beginning', () => {
    const { rt } = logged();
    expect(() => rt.eventLog(() => {})).toThrow('Runtime.eventLog: the program has begun; log it from its beginning');
  });
});
