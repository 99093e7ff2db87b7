// The stack table: equal bytes have one id, different bytes never do, whatever their hashes.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StackTable } from '../../../replay/logreader.ts';

const bytesOf = (word: string) => new Uint8Array(Buffer.from(word));

function word(table: StackTable, name: string): number {
  const bytes = bytesOf(`<${name}>`);
  return table.word(bytes, 1, bytes.length - 1);
}

function addStack(table: StackTable, frames: readonly string[]): number {
  for (const frame of frames) {
    const [name, place] = frame.split(' ');
    table.addFrame(word(table, name), word(table, place));
  }
  return table.endStack();
}

function framesOf(table: StackTable, id: number): string[] {
  return [...table.stackFrames(id)].map((frame) => table.frameText(frame));
}

describe('interning', () => {
  test('ids count from 1 in the order of appearance; the empty stack is 0', () => {
    const table = new StackTable();
    expect(addStack(table, [])).toBe(0);
    expect(addStack(table, ['f a:1', 'g a:2'])).toBe(1);
    expect(addStack(table, ['g a:2', 'f a:1'])).toBe(2);
    expect(addStack(table, ['f a:1', 'g a:2'])).toBe(1);
    expect(addStack(table, ['f a:1'])).toBe(3); // a beginning of another stack is a stack of its own
    expect(table.stackCount).toBe(3);
    expect(table.frameCount).toBe(2);
    expect(framesOf(table, 2)).toEqual(['g a:2', 'f a:1']);
    expect(framesOf(table, 0)).toEqual([]);
    expect([table.frameFunction(2), table.frameFile(2)]).toEqual(['g', 'a:2']);
  });

  test('one function at two places, and one place in two functions, are different frames', () => {
    const table = new StackTable();
    addStack(table, ['f a:1', 'f a:2', 'g a:1', 'f a:1']);
    expect(table.frameCount).toBe(3);
  });

  test('words of one hash are told apart by their bytes', () => {
    // FNV over 32 bits: a few hundred thousand words are sure to hold pairs of one hash, and the table grows many times.
    const table = new StackTable();
    const count = 300_000;
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < count; i++) {
        view.setUint32(0, Math.imul(i, 0x9e3779b1));
        view.setUint32(4, i);
        if (table.word(bytes, 0, 8) !== i + 1) expect.fail(`word ${i} has id ${table.word(bytes, 0, 8)} in round ${round}`);
      }
    }
  });

  test('stacks of one hash are told apart by their frames', () => {
    const table = new StackTable();
    const frames = 4000; // pairs of word ids; what the words are does not matter here
    let seed = 1;
    for (let round = 0; round < 2; round++) {
      seed = 1;
      for (let i = 1; i <= 300_000; i++) {
        for (let k = 0; k < 5; k++) {
          seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
          table.addFrame(1 + ((seed >>> 8) % frames), 1);
        }
        const id = table.endStack();
        if (id !== i) expect.fail(`stack ${i} has id ${id} in round ${round}`);
      }
    }
  });

  test('any list of stacks reads back as it was put in, through all growing (property)', () => {
    const frame = fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 60 })).map(([f, l]) => `f${f} a:${l}`);
    fc.assert(
      fc.property(fc.array(fc.array(frame, { maxLength: 40 }), { maxLength: 300 }), (stacks) => {
        const table = new StackTable();
        const ids = stacks.map((frames) => addStack(table, frames));
        const byText = new Map(stacks.map((frames, i) => [frames.join(), ids[i]]));
        expect(new Set(byText.values()).size).toBe(byText.size);
        stacks.forEach((frames, i) => {
          expect(ids[i]).toBe(byText.get(frames.join()));
          expect(framesOf(table, ids[i])).toEqual(frames);
        });
      }),
      { numRuns: 50 },
    );
  });

  test('an id that there is not is refused with what there is', () => {
    const table = new StackTable();
    addStack(table, ['f a:1']);
    expect(() => table.stackFrames(2)).toThrow('stack: got 2, wanted 0 to 1');
    expect(() => table.stackFrames(-1)).toThrow(RangeError);
    expect(() => table.frameFile(0)).toThrow('frame: got 0, wanted 1 to 1');
    expect(() => table.frameFunction(1.5)).toThrow('frame: got 1.5, wanted 1 to 1');
  });
});
