// What a console and JSON show of the things that a program has in hand: short, with what they hold, never the machine.
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import {
  addrOf,
  array,
  bool,
  f64,
  type Go,
  host,
  i32,
  i64,
  map,
  ptr,
  Runtime,
  self,
  slice,
  string,
  struct,
  u8,
} from '../../../runtime/index.ts';
import { run } from '../../support/run.ts';

const Point = struct('look.Point', { x: i32, y: f64 });
const Node = struct('look.Node', { id: i32, next: self, at: Point });
const All = struct('look.All', {
  big: i64,
  yes: bool,
  name: string,
  xs: slice(i32),
  rgb: array(u8, 3),
  points: slice(Point),
  node: ptr(Node),
  count: ptr(i32),
  ages: map(string, i32),
  fn: host<unknown>(),
});
/** Texts with addresses made equal. */
const seen = (value: unknown) => inspect(value).replace(/0x[0-9a-f]+/g, '0x…');

test('a reference shows its fields; a pointer in it is named and not followed, so a ring ends', () => {
  run(function* main(go) {
    const f = go.locals({ n: Node });
    f.n = go.new(Node);
    f.n.id = 7;
    f.n.at.x = 1;
    f.n.next = f.n;
    expect(seen(f.n)).toBe('look.Node@0x… {id: 7, next: look.Node@0x…, at: {x: 1, y: 0}}');
    expect(seen([f.n.at])).toBe('[ look.Point@0x… {x: 1, y: 0} ]');
    const json = JSON.parse(JSON.stringify({ n: f.n }));
    expect(json).toEqual({ n: { id: 7, next: `look.Node@0x${f.n.addr.toString(16)}`, at: { x: 1, y: 0 } } });
  });
});

test('values of all kinds', () => {
  run(function* main(go) {
    const f = go.locals({ a: All });
    f.a = go.new(All);
    expect(seen(f.a)).toBe(
      'look.All@0x… {big: 0, yes: false, name: "", xs: [], rgb: [0, 0, 0], points: [], node: null, count: null, ages: map[string]int32 nil, fn: undefined}',
    );
    f.a.big = 1n << 60n;
    f.a.yes = true;
    f.a.name = go.string('say "ü"');
    f.a.xs = go.make(slice(i32), 25);
    f.a.rgb.set(1, 255);
    f.a.points = go.make(slice(Point), 1);
    f.a.node = go.new(Node);
    f.a.count = addrOf(f.a.xs, 3);
    f.a.ages = go.make(map(string, i32));
    f.a.ages.set('ann', 30);
    f.a.fn = () => go.runtime;
    const twenty = Array(20).fill(0).join(', ');
    expect(seen(f.a)).toBe(
      `look.All@0x… {big: 1152921504606846976, yes: true, name: "say \\"ü\\"", xs: [${twenty}, … 5 more], rgb: [0, 255, 0], ` +
        'points: [{x: 0, y: 0}], node: look.Node@0x…, count: *int32@0x…, ages: map[string]int32@0x…, fn: [function]}',
    );
    f.a.fn = { deep: go.runtime };
    expect(JSON.parse(JSON.stringify(f.a))).toMatchObject({
      big: '1152921504606846976',
      name: 'say "ü"',
      rgb: [0, 255, 0],
      fn: '[Object]',
    });
    expect([f.a.xs.slice(0, 2), f.a.name, f.a.count, f.a.ages].map(seen)).toEqual([
      '[]int32@0x… [0, 0]',
      'string@0x… "say \\"ü\\""',
      '*int32@0x… 0',
      'map[string]int32@0x… {length: 1}',
    ]);
  });
});

test.each([true, false])('an object that was freed says so; checked mode: %s', (checked) => {
  run(
    function* main(go) {
      const lost = go.new(Node);
      yield* go.gc();
      expect(seen(lost)).toBe('look.Node@0x… (freed)');
      expect(JSON.stringify({ lost })).toMatch(/^\{"lost":"look\.Node@0x[0-9a-f]+ \(freed\)"\}$/);
    },
    { checked },
  );
});

test('channels, locks, timers, goroutines, frames and weak pointers are short too', () => {
  run(function* main(go) {
    const f = go.locals({ n: Node });
    f.n = go.new(Node);
    const things = { go, ch: go.chan(i32, 4), mu: go.mutex(), wg: go.waitGroup(), timer: go.newTimer(5), weak: go.weak(f.n), f };
    expect(things.timer.stop()).toBe(true);
    for (const [name, thing] of Object.entries(things)) {
      expect(inspect(thing, { depth: 10 }).length, name).toBeLessThan(200);
      expect(JSON.stringify(thing).length, name).toBeLessThan(200);
    }
    expect([things.go, things.ch, things.mu].map((t) => inspect(t))).toEqual(['goroutine 1', 'chan (0 of 4)', 'Mutex']);
    const variables = [go.cell(7, 'account'), go.cell({ deep: go.runtime }), go.atomic('a')];
    expect(variables.map((v) => inspect(v))).toEqual(['cell account (7)', 'cell ([Object])', 'atomic ("a")']);
    expect(JSON.stringify(variables[1])).toBe('{"name":"","value":"[Object]"}');
    expect(seen(things.weak)).toBe('weak *look.Node@0x…');
  });
});

test('a runtime says how far it is, from inside and outside, and never shows its machine', () => {
  const rt = new Runtime({ seed: 7, procs: 2 });
  expect(inspect(rt)).toBe('runtime (seed 7, procs 2): not run yet');
  rt.run(function* main(go) {
    yield* go.gc();
    expect(inspect(go.runtime)).toMatch(
      /^runtime \(seed 7, procs 2\): \d\.\d{3} ms of virtual time, \d+ turns of goroutines, 1 collection$/,
    );
  });
  expect(inspect({ rt })).toMatch(/^\{\s+rt: runtime \(seed 7, procs 2\): \d+\.\d{3} ms of virtual time, .* 1 collection\s+\}$/);
  expect(JSON.parse(JSON.stringify({ rt }))).toEqual({ rt: { seed: 7, procs: 2, ...rt.stats() } });
});

test('looking changes nothing: the run goes on as without it', () => {
  const digest = (look: boolean) => {
    const rt = new Runtime({ seed: 3, memProfileRate: 64, heapBytes: 1 << 20 });
    const sum = rt.machine.digest();
    rt.run(function* main(go: Go) {
      const f = go.locals({ n: Node, m: map(string, i32) });
      f.m = go.make(map(string, i32));
      for (let i = 0; i < 500; i++) {
        f.n = go.new(Node);
        f.m.set(`k${i % 10}`, i);
        if (look) inspect([f.n, f.m, go, go.runtime, JSON.stringify([f.n, go.runtime])]);
        if (i % 100 === 0) yield* go.gc();
      }
    });
    return String(sum);
  };
  expect(digest(true)).toBe(digest(false));
});
