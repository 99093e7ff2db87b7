// An arena that is too small: to be made, to start a program, to hold what it makes. Each ends with one clear error, and the heap
// walker finds nothing wrong behind it.
import { describe, expect, test } from 'vitest';
import { type GoFunc, heapFindings, type Options, Runtime, RuntimeError, self, struct } from '../../../runtime/index.ts';

const Node = struct('small.Node', { next: self });

/** What the program died of, and what the heap walker says of the heap that it left. */
function death(main: GoFunc<[]>, options: Options): { error: unknown; findings: string[] } {
  const rt = new Runtime({ backing: 'shared', ...options });
  let error: unknown = null;
  try {
    rt.run(main);
  } catch (caught) {
    error = caught;
  }
  rt.machine.heap.writeBack();
  return { error, findings: heapFindings(rt.machine.heap) };
}

test.each([8191, 0, -1])('%i bytes are refused before anything is made', (heapBytes) => {
  expect(() => new Runtime({ heapBytes })).toThrow(
    new RangeError(`option heapBytes: got ${heapBytes}, wanted a whole number from 8192 to 1073741824`),
  );
});

describe.each(['2014', '1.19'] as const)('era %s', (era) => {
  test.each([1, 2, 3])('in %i pages a program starts, and ends in Go’s words when it wants more than there is', (pages) => {
    const { error, findings } = death(
      function* main(go) {
        const f = go.locals({ head: Node, n: Node });
        for (;;) {
          f.n = go.new(Node);
          f.n.next = f.head;
          f.head = f.n;
        }
      },
      { era, heapBytes: pages * 8192 },
    );
    expect(error).toBeInstanceOf(RuntimeError);
    expect((error as RuntimeError).message).toMatch(
      /^runtime: out of memory: cannot allocate \d+-byte block \(\d+ in use\)\nfatal error: out of memory\n\ngoroutine 1 \[running\]:\n/,
    );
    expect((error as RuntimeError).exitCode).toBe(3);
    expect(findings).toEqual([]);
  });

  test('one page: no room for two hundred stacks', () => {
    const { error, findings } = death(
      function* main(go) {
        for (let i = 0; i < 200; i++) {
          go.go(function* sleeper(go) {
            yield* go.sleep(1e9);
          });
        }
        yield* go.sleep(1);
      },
      { era, heapBytes: 8192 },
    );
    expect((error as Error).message).toContain('out of memory');
    expect(findings).toEqual([]);
  });

  test('what is garbage is collected before anybody gives up', () => {
    const { error, findings } = death(
      function* main(go) {
        for (let i = 0; i < 100_000; i++) go.new(Node);
        yield* go.gosched();
      },
      { era, heapBytes: 3 * 8192, gogc: 'off' },
    );
    expect(error).toBe(null);
    expect(findings).toEqual([]);
  });
});
