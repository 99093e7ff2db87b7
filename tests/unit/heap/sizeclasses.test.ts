// Size classes: Go 1.19's table, number for number, and "the smallest class that holds it" for every size.
import { describe, expect, test } from 'vitest';
import {
  classPages,
  classSize,
  classSlots,
  makeSpanClass,
  maxSmallSize,
  numSizeClasses,
  numSpanClasses,
  roundUpSize,
  sizeClass,
} from '../../../heap/sizeclasses.ts';
import { pageSize } from '../../../runtime/internal/memory.ts';
import { pagesMachine } from './support.ts';

// class:bytes/pages/objects/tail waste, from sizeclasses.go of Go 1.19.
const go119 = `
1:8/1/1024/0 2:16/1/512/0 3:24/1/341/8 4:32/1/256/0 5:48/1/170/32 6:64/1/128/0 7:80/1/102/32 8:96/1/85/32 9:112/1/73/16
10:128/1/64/0 11:144/1/56/128 12:160/1/51/32 13:176/1/46/96 14:192/1/42/128 15:208/1/39/80 16:224/1/36/128 17:240/1/34/32
18:256/1/32/0 19:288/1/28/128 20:320/1/25/192 21:352/1/23/96 22:384/1/21/128 23:416/1/19/288 24:448/1/18/128 25:480/1/17/32
26:512/1/16/0 27:576/1/14/128 28:640/1/12/512 29:704/1/11/448 30:768/1/10/512 31:896/1/9/128 32:1024/1/8/0 33:1152/1/7/128
34:1280/1/6/512 35:1408/2/11/896 36:1536/1/5/512 37:1792/2/9/256 38:2048/1/4/0 39:2304/2/7/256 40:2688/1/3/128 41:3072/3/8/0
42:3200/2/5/384 43:3456/3/7/384 44:4096/1/2/0 45:4864/3/5/256 46:5376/2/3/256 47:6144/3/4/0 48:6528/4/5/128 49:6784/5/6/256
50:6912/6/7/768 51:8192/1/1/0 52:9472/7/6/512 53:9728/6/5/512 54:10240/5/4/0 55:10880/4/3/128 56:12288/3/2/0 57:13568/5/3/256
58:14336/7/4/0 59:16384/2/1/0 60:18432/9/4/0 61:19072/7/3/128 62:20480/5/2/0 63:21760/8/3/256 64:24576/3/1/0 65:27264/10/3/128
66:28672/7/2/0 67:32768/4/1/0`;

const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);

describe('the table', () => {
  test("is Go's: bytes, pages, objects and wasted tail of every class", () => {
    const ours = classSize.slice(1).map((bytes, i) => {
      const c = i + 1;
      return `${c}:${bytes}/${classPages[c]}/${classSlots[c]}/${classPages[c]! * pageSize - classSlots[c]! * bytes}`;
    });
    expect(ours).toEqual(go119.trim().split(/\s+/));
  });

  test('adds up: a slip of one digit anywhere shows here', () => {
    expect([numSizeClasses, classSize.length, classPages.length, numSpanClasses]).toEqual([68, 68, 68, 136]);
    expect([sum(classSize), sum(classPages), sum(classSlots)]).toEqual([372768, 168, 3474 + 1]); // class 0 has one slot
  });

  test('every slot size is a multiple of the granule of the bit maps', () => {
    expect(classSize.filter((bytes) => bytes % 8 !== 0)).toEqual([]);
  });
});

describe('lookup', () => {
  test('gives the smallest class that holds the size, for every size from 1 to 32768', () => {
    for (let bytes = 1; bytes <= maxSmallSize; bytes++) {
      const want = classSize.findIndex((size) => size >= bytes);
      if (sizeClass(bytes) !== want) expect(`${bytes}: ${sizeClass(bytes)}`).toBe(`${bytes}: ${want}`);
    }
  });

  test.each([
    [1, 1, 8],
    [9, 2, 16],
    [17, 3, 24],
    [33, 5, 48],
    [100, 9, 112],
    [113, 10, 128],
    [1016, 32, 1024],
    [1025, 33, 1152],
    [1408, 35, 1408],
    [1409, 36, 1536],
    [2049, 39, 2304],
    [8193, 52, 9472],
    [28673, 67, 32768],
    [32768, 67, 32768],
  ])('%i bytes are of class %i and take %i', (bytes, sizeclass, rounded) => {
    expect([sizeClass(bytes), roundUpSize(bytes)]).toEqual([sizeclass, rounded]);
  });

  test('larger ones take whole pages', () => {
    expect([32769, 40960, 40961, 1 << 20].map(roundUpSize)).toEqual([40960, 40960, 49152, 1 << 20]);
  });

  test('a span class is the size class and whether there are pointers', () => {
    expect([makeSpanClass(2, true), makeSpanClass(2, false), makeSpanClass(67, true), makeSpanClass(0, false)]).toEqual([5, 4, 135, 0]);
  });
});

test('the start pattern of a class has one bit for each slot, at its first granule', () => {
  const { heap } = pagesMachine(7);
  for (let c = 1; c < numSizeClasses; c++) {
    const starts: number[] = [];
    const pattern = heap.startPattern(c);
    for (let granule = 0; granule < pattern.length * 32; granule++) {
      if (((pattern[granule >>> 5]! >>> (granule & 31)) & 1) !== 0) starts.push(granule * 8);
    }
    expect(starts, `class ${c}`).toEqual(Array.from({ length: classSlots[c]! }, (_, i) => i * classSize[c]!));
    expect(pattern.length * 32 * 8).toBe(classPages[c]! * pageSize);
  }
});
