// A recursion without end is Go's fatal error, whichever stack ends first: ours in the arena, or JavaScript's. Nothing of the
// program can recover from it, and the dump shows the goroutine as it stood at the end.
import { describe, expect, test } from 'vitest';
import { checkHeap } from '../../../heap/check.ts';
import { type BlockingFunc, type Func, func, type GoFunc, gofunc, type Options, self, struct } from '../../../runtime/index.ts';
import { death, lastWords, run } from '../../support/run.ts';

const Node = struct('overflow.Node', { next: self });
const quick: Options = { heapBytes: 4 << 20, memProfileRate: 0, checked: false, checkHeap: false, checkMark: false, oracle: false };
const words = (bytes: number) => `runtime: goroutine stack exceeds ${bytes}-byte limit\nfatal error: stack overflow\n\n`;
const limit = 16 << 20;

const plain = (n: number): number => plain(n + 1) + 1;
const down: Func<[number], number> = func('overflow.down', { n: Node }, (f, n: number) => down(f, n + 1) + 1);
const allocating: Func<[number], number> = func('overflow.allocating', { n: Node }, (f, n: number) => {
  f.n = f.new(Node);
  return allocating(f, n + 1) + 1;
});
const blocking: BlockingFunc<[number], number> = gofunc('overflow.blocking', { n: Node }, function* (go, _f, n: number) {
  return (yield* blocking(go, n + 1)) + 1;
});

/** The dump of the goroutine that ran: its header, and how many lines name each function. */
function dumpOf(text: string): { header: string; frames: Record<string, number>; elided: boolean } {
  const [header, ...lines] = text.split('\n\n')[1]!.split('\n');
  const frames: Record<string, number> = {};
  for (const line of lines) if (line.endsWith('(...)')) frames[line.slice(0, -5)] = (frames[line.slice(0, -5)] ?? 0) + 1;
  return { header: header!, frames, elided: lines.includes('...additional frames elided...') };
}

describe.each(['1.19', '2014'] as const)('in the era %s', (era) => {
  test.each([
    ['func', (go: Parameters<GoFunc<[]>>[0]) => down(go, 0), 'overflow.down'],
    ['func that allocates', (go: Parameters<GoFunc<[]>>[0]) => allocating(go, 0), 'overflow.allocating'],
  ])('JavaScript’s stack ends in a recursion of %s: the fatal error, with the frames that there were', (_what, body, name) => {
    const error = death(
      function* main(go) {
        go.go(function* other(go) {
          yield* go.sleep(1e9);
        });
        yield* go.sleep(1e6);
        body(go);
      },
      { ...quick, era },
    );
    expect([error.kind, error.exitCode, error.goroutine]).toEqual(['fatal', 3, 1]);
    expect(error.message.startsWith(words(limit))).toBe(true);
    expect(dumpOf(error.message)).toEqual({ header: 'goroutine 1 [running]:', frames: { [name]: 100 }, elided: true });
    expect(error.message).toContain('\n\ngoroutine 5 [sleep]:\nmain.other(...)\n'); // as with every fatal error, the others too
  });

  test('plain JavaScript that recurses in a goroutine', () => {
    const error = death(
      function* main(go) {
        go.go(function* worker() {
          plain(0);
        });
        yield* go.sleep(1e6);
      },
      { ...quick, era },
    );
    expect(error.goroutine).toBe(5);
    expect(lastWords(error)).toBe(
      `${words(limit)}goroutine 5 [running]:\nmain.worker(...)\n\toverflow.test.ts\ncreated by main.main\n\toverflow.test.ts\n\n` +
        'goroutine 1 [sleep]:\nmain.main(...)\n\trun.ts',
    );
  });

  test('our stack ends in a recursion of gofunc, at the limit that SetMaxStack sets', () => {
    const bytes = 64 << 10;
    const error = death(
      function* main(go) {
        expect(go.setMaxStack(bytes)).toBe(limit);
        yield* blocking(go, 0);
      },
      { ...quick, era },
    );
    expect([error.kind, error.exitCode, error.goroutine]).toEqual(['fatal', 3, 1]);
    expect(error.message.startsWith(words(bytes))).toBe(true);
    expect(dumpOf(error.message)).toEqual({ header: 'goroutine 1 [running]:', frames: { 'overflow.blocking': 100 }, elided: true });
  });
});

test('the default limit is met by gofunc before the memory of the host ends', () => {
  const error = death(
    function* main(go) {
      yield* blocking(go, 0);
    },
    { ...quick, heapBytes: 64 << 20 },
  );
  expect(error.message.startsWith(words(limit))).toBe(true);
});

describe('nothing recovers from it', () => {
  const log: string[] = [];
  const deferring: Func<[number], number> = func('overflow.deferring', { n: Node }, (f, n: number) => {
    f.defer(() => log.push('deferred'));
    return deferring(f, n + 1) + 1;
  });

  test.each<[string, GoFunc<[]>]>([
    ['a function', function* main(go) { deferring(go, 0); }],
    ['a goroutine', function* main(go) { go.defer(() => log.push(String(go.recover()))); down(go, 0); }],
    ['go.call', function* main(go) { yield* go.call(function* (go) { go.defer(() => log.push(String(go.recover()))); down(go, 0); }); }],
    ['gofunc, at our limit', function* main(go) { go.setMaxStack(4096); go.defer(() => log.push(String(go.recover()))); yield* blocking(go, 0); }],
  ])('deferred calls of %s do not run', (_what, main) => {
    log.length = 0;
    expect(death(main, quick).message).toContain('fatal error: stack overflow');
    expect(log).toEqual([]);
  }); // biome-ignore format: a line each

  const catching = func('overflow.catching', { n: Node }, (f) => {
    try {
      down(f, 0);
    } catch {}
    return 1;
  });
  const ended: GoFunc<[]> = function* main(go) {
    log.push(`went on ${catching(go)}`);
  };
  const blocked: GoFunc<[]> = function* main(go) {
    catching(go);
    yield* go.sleep(1e6);
    log.push('slept');
  };
  const busy: GoFunc<[]> = function* main(go) {
    const ch = go.chan(Node, 1);
    for (catching(go); ; ) {
      yield* ch.send(null);
      yield* ch.recv();
    }
  };
  const caught: GoFunc<[]> = function* main(go) {
    go.setMaxStack(4096);
    try {
      yield* blocking(go, 0);
    } catch {}
    yield* go.gosched();
    log.push('went on');
  };

  test.each([
    ['and ends', ended, ['went on 1'], 'overflow.down'],
    ['and blocks', blocked, [], 'overflow.down'],
    ['and never blocks', busy, [], 'overflow.down'],
    ['at our limit', caught, [], 'overflow.blocking'],
  ])('a program whose JavaScript catches it %s dies all the same, with the stack of then', (_what, main, said, deepest) => {
    log.length = 0;
    const error = death(main, quick);
    expect([error.kind, error.goroutine]).toEqual(['fatal', 1]);
    expect(dumpOf(error.message).header).toBe('goroutine 1 [running]:');
    expect(dumpOf(error.message).frames[deepest]).toBe(100);
    expect(log).toEqual(said);
  });
});

test('SetMaxStack: a recursion that stays below it is none, and the limit is for all goroutines', () => {
  const depth = gofunc('overflow.depth', { n: Node }, function* (go, _f, n: number): Generator<void, number, void> {
    return n === 0 ? 0 : (yield* depth(go, n - 1)) + 1;
  }) as BlockingFunc<[number], number>;
  const { rt } = run(function* main(go) {
    go.setMaxStack(8192);
    go.go(function* worker(go) {
      expect(yield* depth(go, 300)).toBe(300);
    });
    yield* go.sleep(1e6);
    expect(() => go.setMaxStack(-1)).toThrow(RangeError);
    expect(() => go.setMaxStack(1.5)).toThrow('setMaxStack: got 1.5, wanted a whole number of bytes');
    expect(go.setMaxStack(limit)).toBe(8192);
  });
  checkHeap(rt.machine.heap);
});
