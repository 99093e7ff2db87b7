// gcinfo_test.go: which words of an object, a global or a frame the collector takes for pointers. Go reads its bitmap; here
// every word gets the address of an object of its own, and the mask is which of those objects a collection leaves.
import { describe, expect, test } from 'vitest';
import { type AnyStruct, array, type Go, i32, map, ptr, self, slice, string, struct, u8, u16, u64 } from '../../runtime/index.ts';
import { FrameHead } from '../../sched/stack.ts';
import { goRun, isObject } from './support.ts';

const Ptr = struct('main.Ptr', { p: self });
const ScalarPtr = struct('main.ScalarPtr', { q: i32, w: ptr(Ptr), e: i32, r: ptr(Ptr), t: i32, y: ptr(Ptr) });
const PtrScalar = struct('main.PtrScalar', { q: ptr(Ptr), w: i32, e: ptr(Ptr), r: i32, t: ptr(Ptr), y: i32 });
/** Words are 32 bits wide, and u is aligned to 8 bytes. */
const BigStruct = struct('main.BigStruct', {
  q: ptr(u8), w: u8, e: array(u8, 17), r: slice(u8), t: i32, y: u16, u: u64, i: string,
}); // biome-ignore format: one glance

const infoPtr = [1];
const infoScalarPtr = [0, 1, 0, 1, 0, 1];
const infoPtrScalar = [1, 0, 1, 0, 1, 0];
// q; w and e; r; t, y, a gap and u; i
const infoBigStruct = [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0];
const Str = struct('main.Str', { s: string });
const Sli = struct('main.Sli', { s: slice(string) });
const GoMap = struct('main.Map', { m: map(string, string) });

/** Puts the address of a new object into each of `words` words from word `first` of the arena; says which a collection leaves. */
function* maskOf(go: Go, first: number, words: number): Generator<void, number[], void> {
  const { w } = go.runtime.machine.heap;
  const held: number[] = [];
  for (let i = 0; i < words; i++) {
    held.push(go.new(Ptr).addr);
    w[first + i] = held[i]!; // no marking is under way: no barrier is needed
  }
  yield* go.gc();
  const mask = held.map((addr) => (isObject(go.runtime, addr) ? 1 : 0));
  w.fill(0, first, first + words);
  return mask;
}

/** An object of n values of a type, held by a frame. */
function* heapMask(go: Go, type: AnyStruct, n: number): Generator<void, number[], void> {
  const { raw } = go;
  const frame = raw.enter(raw.pc('main.main'), 1);
  raw.set(frame, 0, raw.array(raw.type(type), n));
  const mask = yield* maskOf(go, raw.get(frame, 0) >>> 2, (type.bytes * n) / 4);
  raw.leave();
  return mask;
}

const times = (n: number, info: number[]) => Array.from({ length: n }, () => info).flat();

describe('TestGCInfo', () => {
  test.each<[string, AnyStruct, number, number[]]>([
    ['heap Ptr', Ptr, 1, infoPtr],
    ['heap PtrSlice', Ptr, 10, times(10, infoPtr)],
    ['heap ScalarPtr', ScalarPtr, 1, infoScalarPtr],
    ['heap ScalarPtrSlice', ScalarPtr, 4, times(4, infoScalarPtr)],
    ['heap PtrScalar', PtrScalar, 1, infoPtrScalar],
    ['heap BigStruct', BigStruct, 1, infoBigStruct],
    ['heap string', Str, 1, [1, 0]],
    ['heap slice', Sli, 1, [1, 0, 0]],
    ['heap map', GoMap, 1, [1]],
    ['heap BigStruct, 12 of them', BigStruct, 12, times(12, infoBigStruct)], // more words than a page's mask has
    ['heap BigStruct, 1100 of them', BigStruct, 1100, times(1100, infoBigStruct)], // a large object
  ])('%s', (_, type, n, info) => {
    goRun(
      function* main(go) {
        for (let i = 0; i < 3; i++) expect(yield* heapMask(go, type, n)).toEqual(info);
      },
      { checkMark: false, gogc: 'off' },
    );
  });

  test('heap, types of one size in one span', () => {
    goRun(
      function* main(go) {
        for (let i = 0; i < 3; i++) {
          expect(yield* heapMask(go, ScalarPtr, 1)).toEqual(infoScalarPtr);
          expect(yield* heapMask(go, PtrScalar, 1)).toEqual(infoPtrScalar);
        }
      },
      { gogc: 'off' },
    );
  });

  test('data, bss: every word', () => {
    goRun(function* main(go) {
      expect(yield* maskOf(go, go.runtime.machine.globals(6) >>> 2, 6)).toEqual(times(6, infoPtr));
    });
  });

  test('stack: every slot of a frame', () => {
    goRun(
      function* main(go) {
        const { raw } = go;
        raw.enter(raw.pc('main.main'), 3);
        const frame = raw.enter(raw.pc('main.f'), 6);
        const first = (go.runtime.machine.sched.stacks.lo + frame) >>> 2;
        expect(yield* maskOf(go, first + FrameHead.words, 6)).toEqual(times(6, infoPtr));
        const { addr } = go.new(Ptr);
        raw.words[first + FrameHead.pc] = addr; // a frame's head is no pointer, whatever it looks like
        yield* go.gc();
        expect(isObject(go.runtime, addr)).toBe(false);
      },
      { checked: false }, // a checked handle is a number that says nothing of the place
    );
  });
});
