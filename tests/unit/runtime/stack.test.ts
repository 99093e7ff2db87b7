// runtime.Stack: into a buffer that may be too short, of one goroutine or of all, for which the world stops.
import { expect, test } from 'vitest';
import { type Go, i32 } from '../../../runtime/index.ts';
import { Ev } from '../../../runtime/internal/events.ts';
import { run } from '../../support/run.ts';

const text = (buf: Uint8Array, n: number) => new TextDecoder().decode(buf.subarray(0, n));

test('writes what it prints, and says how much', () => {
  run(function* main(go) {
    go.go(function* übrig(go: Go) {
      yield* go.chan(i32).recv();
    });
    yield* go.gosched();
    for (const all of [false, true]) {
      const buf = new Uint8Array(4096);
      const n = go.stack(buf, all);
      expect(text(buf, n)).toBe(go.stack(all));
      expect(buf.subarray(n).every((b) => b === 0)).toBe(true);
    }
    const all = go.stack(true);
    expect(all).toMatch(/^goroutine 1 \[running\]:\nmain\.main\(\.\.\.\)\n\t/);
    expect(all).toContain('\n\ngoroutine 5 [chan receive]:\nmain.übrig(...)\n');
    expect(go.stack()).not.toContain('goroutine 5');
  });
});

test('a short buffer is filled to its end, and an empty one is left alone', () => {
  run(function* main(go) {
    const whole = new TextEncoder().encode(go.stack(true));
    for (const length of [0, 1, 9, 10, whole.length - 1, whole.length, whole.length + 1]) {
      const room = new Uint8Array(length + 8).fill(7);
      const n = go.stack(room.subarray(0, length), true);
      expect(n).toBe(Math.min(length, whole.length));
      expect([...room.subarray(0, n)]).toEqual([...whole.subarray(0, n)]);
      expect([...room.subarray(length)]).toEqual(Array(8).fill(7));
    }
  });
});

test('the world stops for all goroutines, and not for one', () => {
  run(function* main(go) {
    let stops = 0;
    go.runtime.machine.subscribe((kind) => {
      if (kind === Ev.stwStart) stops++;
    });
    go.stack(new Uint8Array(100), false);
    expect(stops).toBe(0);
    go.stack(new Uint8Array(100), true);
    expect(stops).toBe(1);
  });
});
