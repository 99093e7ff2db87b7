// What explain says of values: the names of fields inside structs, of elements, and of the words of slices, strings and maps.
import { expect, test } from 'vitest';
import { addrOf, append, array, i32, map, ptr, type Runtime, slice, string, struct, u8 } from '../../../runtime/index.ts';
import { run } from '../../support/run.ts';

const Point = struct('explained.Point', { x: i32, tag: ptr(i32) });
const Thing = struct('explained.Thing', {
  flag: u8,
  at: Point,
  row: array(Point, 2),
  xs: slice(i32),
  name: string,
  ages: map(i32, string),
});

test('parts have names', () => {
  run(function* main(go) {
    const f = go.locals({ t: Thing, p: ptr(i32), points: slice(Point), bytes: slice(u8), wide: slice(ptr(Thing)) });
    const rt: Runtime = go.runtime;
    f.t = go.new(Thing);
    const at = (offset: number) => rt.explain(f.t!.addr + offset).object?.field;
    const { at: point, row, xs, name, ages } = Thing.offsetOf as Record<string, number>;
    const offsets = [0, 1, point!, point! + 4, row!, row! + 8, row! + 13, xs!, xs! + 4, xs! + 8, name! + 4, ages!];
    expect(offsets.map(at)).toEqual([
      '.flag',
      '.word0+1',
      '.at.x',
      '.at.tag',
      '.row[0].x',
      '.row[1].x',
      '.row[1].tag+1',
      '.xs',
      '.xs.len',
      '.xs.cap',
      '.name.len',
      '.ages',
    ]);

    f.p = go.new(i32);
    f.t.row.get(1).tag = f.p;
    f.points = go.make(slice(Point), 3);
    f.points.get(2).tag = f.p;
    f.wide = append(f.wide, null, f.t);
    const held = rt.explain(f.p.addr).holders.map((h) => h.text.replace(/0x\w+/, 'ADDR'));
    expect(held.filter((text) => !text.startsWith('goroutine'))).toEqual(
      expect.arrayContaining(['explained.Thing ADDR .row[1].tag', 'explained.Point ADDR [2].tag']),
    );
    expect(rt.explain(f.t.addr).holders.map((h) => h.text.replace(/0x\w+/, 'ADDR'))).toContain('*explained.Thing ADDR [1]');
    f.bytes = go.make(slice(u8), 40);
    expect(rt.explain(f.bytes.addr + 21).object).toMatchObject({ type: 'uint8', field: '[21]' });
    f.t.ages = go.make(map(i32, string));
    f.t.ages.set(7, go.string('a text that is longer than a tiny block'));
    const entry = rt.explain(f.t.ages.get(7).addr);
    expect([entry.object?.type, entry.holders.map((h) => h.text.replace(/0x\w+/, 'ADDR'))]).toEqual([
      'bytes of a string',
      ['map.bucket[int32]string ADDR .values[0]'],
    ]);
    expect(entry.path?.map((step) => step.replace(/0x\w+/, 'ADDR')).slice(1)).toEqual([
      'explained.Thing ADDR .ages',
      'runtime.hmap ADDR .word4',
      'map.bucket[int32]string ADDR .values[0]',
    ]);
    expect(rt.explain(addrOf(f.points, 1).addr + 4).text).toMatch(/explained\.Point\[1\]\.tag/);
    yield* go.gc();
  });
});
