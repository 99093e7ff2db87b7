// The option godebug: every knob is known by its name, and a wrong one is refused before anything is made.
import { describe, expect, test } from 'vitest';
import { godebugKnobs, godebugOff, parseGoDebug } from '../../../runtime/godebug.ts';
import { settings } from '../../../runtime/options.ts';

test('all knobs are off by default, and an empty text changes nothing', () => {
  expect(settings({}).godebug).toEqual(godebugOff);
  expect(parseGoDebug('')).toEqual(godebugOff);
  expect(Object.values(godebugOff)).toEqual(godebugKnobs.map(() => 0));
});

test.each(godebugKnobs)('%s=1 switches that one on and no other', (name) => {
  expect(parseGoDebug(`${name}=1`)).toEqual({ ...godebugOff, [name]: 1 });
});

test('several knobs stand with commas between them, the last value counts, and empty parts are skipped', () => {
  expect(parseGoDebug(',gctrace=1,,gcstoptheworld=1,gcstoptheworld=2,')).toEqual({ ...godebugOff, gctrace: 1, gcstoptheworld: 2 });
});

describe('a wrong knob is a RangeError that names it', () => {
  test.each([
    ['gctrac=1', /no knob 'gctrac', wanted gctrace, /],
    ['toString=1', /no knob 'toString'/],
    ['gctrace=2', /gctrace: got '2', wanted 0 or 1/],
    ['gcstoptheworld=3', /gcstoptheworld: got '3', wanted 0 to 2/],
    ['sbrk=-1', /sbrk: got '-1'/],
    ['sbrk=', /sbrk: got ''/],
    ['sbrk=1=1', /sbrk: got '1=1'/],
    ['gctrace', /gctrace: no value, wanted gctrace=1/],
    ['gctrace=1 ,sbrk=1', /gctrace: got '1 '/],
  ])('%s', (text, message) => {
    expect(() => parseGoDebug(text)).toThrow(RangeError);
    expect(() => settings({ godebug: text })).toThrow(message);
  });

  test('something that is no text, and an output that is no function', () => {
    expect(() => settings({ godebug: 1 as never })).toThrow(/option godebug: got 1, wanted a text/);
    expect(() => settings({ output: 'stderr' as never })).toThrow(/option output: got string, wanted a function/);
  });
});

test('checkheap and gccheckmark are the options checkHeap and checkMark by other names', () => {
  expect(settings({ godebug: 'checkheap=1' })).toMatchObject({ checkHeap: true, checkMark: false });
  expect(settings({ godebug: 'gccheckmark=1', checkHeap: true })).toMatchObject({ checkHeap: true, checkMark: true });
});
