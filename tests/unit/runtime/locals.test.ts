// go.locals: a goroutine's own, declared once; and another goroutine's locals through a closure.
import { expect, test } from 'vitest';
import { type Go, i32, Runtime, struct } from '../../../runtime/index.ts';

const Box = struct('locals.Box', { value: i32 });

function run(main: (go: Go) => Generator<void, unknown, void>): void {
  new Runtime({ heapBytes: 1 << 20, checked: true, checkHeap: true, checkMark: true }).run(function* locals(go) {
    yield* main(go);
  });
}

test('another goroutine’s `go` is refused: its stack is not the one that runs', () => {
  expect(() =>
    run(function* (go) {
      const f = go.locals({ a: Box });
      f.a = go.new(Box);
      go.go(function* worker() {
        go.locals({ b: Box });
        yield* go.gosched();
      });
      yield* go.sleep(1000);
    }),
  ).toThrow('this `go` belongs to another goroutine');
});

test('a second call is refused', () => {
  expect(() =>
    run(function* (go) {
      go.locals({ a: Box });
      go.locals({ b: Box });
      yield* go.gosched();
    }),
  ).toThrow('go.locals: called twice');
});

test('a local of another goroutine can be set through a closure, and keeps what it is given', () => {
  run(function* (go) {
    const f = go.locals({ a: Box });
    const done = go.waitGroup();
    done.add(1);
    go.go(function* worker(own) {
      f.a = own.new(Box);
      f.a.value = 9;
      yield* own.gc();
      done.done();
    });
    yield* done.wait();
    yield* go.gc();
    expect(f.a!.value).toBe(9);
  });
});
