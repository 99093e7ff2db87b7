// Programs of Go's test/chan and test: what each asserts is Go's, the programs are written anew.
import { describe, expect, test } from 'vitest';
import {
  type Chan,
  type Go,
  type GoFunc,
  host,
  i32,
  type Options,
  RandomChooser,
  type RecvChan,
  type SendChan,
} from '../../runtime/index.ts';
import { run } from '../support/run.ts';
import { busy, goRun } from './support.ts';

const plain: Options = { heapBytes: 8 << 20, maxGoroutines: 2000, oracle: false, checkHeap: false, checkMark: false, memProfileRate: 0 };

function everywhere(main: GoFunc<[]>): void {
  run(main, plain);
  run(main, { ...plain, procs: 3 });
  for (let seed = 1; seed <= 3; seed++) run(main, { ...plain, procs: 2, chooser: new RandomChooser(seed), checkMark: true });
}

test('chan/doubleselect.go: exactly one case of a select runs', () => {
  everywhere(function* main(go) {
    const n = 300;
    const c = [0, 1, 2, 3].map(() => go.chan(i32));
    const [done, mux] = [go.chan(i32), go.chan(i32)];
    go.go(function* sender(go: Go) {
      go.defer(() => {
        for (const ch of c) ch.close();
      });
      for (let i = 0; i < n; i++) yield* go.select(c.map((ch) => ch.sendCase(i)));
    });
    for (const ch of c) {
      go.go(function* forwards() {
        for (let v = yield* ch.recv2(); v[1]; v = yield* ch.recv2()) yield* mux.send(v[0]);
        yield* done.send(1);
      });
    }
    go.go(function* closer() {
      for (let i = 0; i < 4; i++) yield* done.recv();
      mux.close();
    });
    const seen = new Set<number>();
    for (let v = yield* mux.recv2(); v[1]; v = yield* mux.recv2()) {
      expect(seen.has(v[0]), `value ${v[0]} went to two channels`).toBe(false);
      seen.add(v[0]);
    }
    expect(seen.size).toBe(n);
  });
});

test('chan/fifo.go: values and waiting receivers keep their order', () => {
  const n = 10;
  run(function* main(go) {
    const ch = go.chan(i32, n);
    for (let i = 0; i < n; i++) yield* ch.send(i);
    for (let i = 0; i < n; i++) expect(yield* ch.recv()).toBe(i);

    const sync = go.chan(i32);
    let last = go.chan(i32);
    const start = last;
    function* link(_go: Go, val: number, from: RecvChan<number>, to: SendChan<number>) {
      yield* from.recv();
      expect(yield* sync.recv()).toBe(val);
      yield* to.send(1);
    }
    for (let i = 0; i < n; i++) {
      const out = go.chan(i32);
      go.go(link, i, last, out);
      last = out;
    }
    yield* start.send(0);
    for (let i = 0; i < n; i++) yield* sync.send(i);
    yield* last.recv();
  }, plain);
});

test('chan/goroutines.go: a chain of 1,000 goroutines', () => {
  everywhere(function* main(go) {
    const first = go.chan(i32);
    let right = first;
    function* f(_go: Go, left: SendChan<number>, right: RecvChan<number>) {
      yield* left.send(yield* right.recv());
    }
    for (let i = 0; i < 1000; i++) {
      const next = go.chan(i32);
      go.go(f, right, next);
      right = next;
    }
    const end = right;
    go.go(function* starts() {
      yield* end.send(1);
    });
    expect(yield* first.recv()).toBe(1);
  });
});

test('chan/nonblock.go: what does not wait finds its partner, for each kind of element', () => {
  for (const buffer of [0, 1]) {
    everywhere(function* main(go) {
      yield* meet(go, go.chan(i32, buffer), 123, 234);
      yield* meet(go, go.chan(host<string>(), buffer), 'hello', 'hello again');
      yield* meet(go, go.chan(host<boolean>(), buffer), true, false);
    });
  }

  function* meet<T>(go: Go, c: Chan<T>, there: T, back: T) {
    const sync = go.chan(i32);
    expect(c.tryRecv(), 'nobody has sent').toBe(null);
    go.go(function* receiver() {
      expect(yield* c.recv()).toBe(there);
      yield* sync.send(1);
    });
    let tries = 0;
    for (; !c.trySend(there); tries++) yield* go.sleep(10_000);
    expect(tries).toBeLessThan(100);
    yield* sync.recv();
    go.go(function* sender() {
      yield* c.send(back);
      yield* sync.send(1);
    });
    let got = c.tryRecv();
    for (tries = 0; got === null; tries++) {
      yield* go.sleep(10_000);
      got = c.tryRecv();
    }
    expect(tries).toBeLessThan(100);
    expect(got).toEqual({ value: back, ok: true });
    yield* sync.recv();
  }
});

test('chan/select.go: cases of channels that have become nil are never chosen', () => {
  run(function* main(go) {
    let [counter, shift] = [0, 0];
    const value = (bit: number) => {
      counter++;
      shift |= bit;
      return shift;
    };
    const [a, b] = [go.chan(i32), go.chan(i32)];
    const sent: number[] = [];
    go.go(function* send(go: Go) {
      const cases: (ReturnType<Chan<number>['sendCase']> | null)[] = [a.sendCase(value(1)), b.sendCase(value(2))];
      for (let left = 2; left > 0; left--) {
        const { index } = yield* go.select(cases);
        cases[index] = null;
        sent.push(index);
      }
    });
    const got = new Set([yield* a.recv(), yield* b.recv()]);
    expect(counter, 'values of all cases are computed once').toBe(2);
    expect([...got].sort()).toEqual([1, 3]);
    yield* go.gosched();
    expect(sent.sort()).toEqual([0, 1]);
  });
});

test('chan/select2.go: 20,000 selects keep the heap flat', () => {
  goRun(function* main(go) {
    const n = 20_000;
    const [c, dummy] = [go.chan(i32), go.chan(i32)];
    const round = () =>
      go.call(function* (go) {
        go.go(function* sender() {
          for (let i = 0; i < n; i++) yield* c.send(1);
        });
        for (let i = 0; i < n; i++) expect((yield* go.select([c.recvCase(), dummy.recvCase()])).index).toBe(0);
      });
    yield* round();
    yield* go.gc();
    const { alloc, sys } = go.readMemStats();
    yield* round();
    yield* go.gc();
    const after = go.readMemStats();
    expect(after.alloc - alloc).toBeLessThan(1000);
    expect(after.sys - sys, 'sudogs are used again').toBeLessThan(50_000);
  }, busy);
});

describe('chan/select3.go', () => {
  type Program = (go: Go, c: { nil: Chan<number>; closed: Chan<number> }) => Generator<void, unknown, void>;
  const fresh = (go: Go, n = 0) => go.chan(i32, n);
  const never: [string, Program][] = [
    ['a send into a buffer with room', (go) => op(fresh(go, 1).send(7))],
    ['a receive from a closed channel', (_go, { closed }) => op(closed.recv2())],
    ['a select with a ready send', (go) => op(go.select([fresh(go, 1).sendCase(7)]))],
    ['a select with a closed channel', (go, { closed }) => op(go.select([closed.recvCase(), null]))],
  ];
  const always: [string, Program][] = [
    ['a send on the nil channel', (_go, { nil }) => op(nil.send(7))],
    ['a receive from the nil channel', (_go, { nil }) => op(nil.recv())],
    ['a receive that nobody sends to', (go) => op(fresh(go).recv())],
    ['a select without cases', (go) => op(go.select([]))],
    ['a select of the nil channel', (go, { nil }) => op(go.select([nil.recvCase(), nil.sendCase(7)]))],
    ['a select of null', (go) => op(go.select([null, null]))],
    ['a select that nobody serves', (go) => op(go.select([fresh(go).recvCase()]))],
    [
      'a select that could only serve itself',
      (go) => {
        const c = fresh(go);
        return op(go.select([c.sendCase(1), c.recvCase()]));
      },
    ],
  ];
  function* op(blocking: { [Symbol.iterator](): Iterator<void, unknown, void> }): Generator<void, unknown, void> {
    return yield* blocking;
  }
  const blocks = (program: Program) => {
    let done = false;
    run(function* main(go) {
      const closed = fresh(go);
      closed.close();
      const nil = go.nilChan(i32);
      go.go(function* f(go: Go) {
        yield* program(go, { nil, closed });
        done = true;
      });
      yield* go.sleep(10e6);
    });
    return !done;
  };
  test.each(never)('chan/select3.go: %s does not block', (_, program) => {
    expect(blocks(program)).toBe(false);
  });
  test.each(always)('chan/select3.go: %s blocks for ever', (_, program) => {
    expect(blocks(program)).toBe(true);
  });
  test('chan/select3.go: with a default nothing blocks, nil is never chosen, and closed channels act as usual', () => {
    run(function* main(go) {
      const closed = fresh(go);
      closed.close();
      const nil = go.nilChan(i32);
      expect([nil.length, nil.capacity, nil.tryRecv(), nil.trySend(7)]).toEqual([0, 0, null, false]);
      expect(go.trySelect([]).index).toBe(-1);
      expect(go.trySelect([nil.recvCase(), nil.sendCase(7), null]).index).toBe(-1);
      expect(go.trySelect([fresh(go, 1).sendCase(7)]).index).toBe(0);
      expect(go.trySelect([nil.recvCase(), closed.recvCase()])).toEqual({ index: 1, value: 0, ok: false });
      for (const sends of [
        () => closed.trySend(7),
        () => go.trySelect([closed.sendCase(7)]),
        () => closed.send(7),
        () => go.select([closed.sendCase(7)]),
      ]) {
        yield* go.call(function* (go) {
          go.defer(() => expect(String(go.recover())).toBe('send on closed channel'));
          sends();
          expect.unreachable();
        });
      }
    });
  });
});

test('chan/select4.go: only the chosen case has an effect', () => {
  run(function* main(go) {
    const [c, c1] = [go.chan(i32, 1), go.chan(i32)];
    yield* c.send(42);
    const r = yield* go.select([c1.recvCase(), c.recvCase()]);
    expect([r.index, r.value]).toEqual([1, 42]);
  });
});

test('chan/select5.go: values that are sent are computed once, in the order of the cases', () => {
  run(function* main(go) {
    const order: string[] = [];
    const f = <T>(name: string, value: T): T => {
      order.push(name);
      return value;
    };
    const [c, d] = [go.chan(i32, 1), go.chan(i32, 1)];
    yield* go.select([f('c', c).sendCase(f('1', 1)), f('d', d).sendCase(f('2', 2))]);
    expect(order).toEqual(['c', '1', 'd', '2']);
    expect(c.length + d.length).toBe(1);
  });
});

test('chan/select6.go: a case that was not chosen leaves the queue whole (issue 2075)', () => {
  everywhere(function* main(go) {
    const [c1, c2, c3] = [go.chan(i32), go.chan(i32), go.chan(i32)];
    go.go(function* first() {
      yield* c1.recv();
    });
    go.go(function* second(go: Go) {
      const r = yield* go.select([c1.recvCase(), c2.recvCase()]);
      if (r.index === 1) yield* c3.send(1);
      yield* c1.recv();
    });
    yield* go.sleep(1e6);
    go.go(function* third() {
      yield* c2.send(1);
    });
    yield* c3.recv();
    yield* c1.send(1);
    yield* c1.send(1);
  });
});

test('chan/select7.go: each way to receive meets each way to send', () => {
  const receives: ((go: Go, c: Chan<number>) => Generator<void, unknown, void>)[] = [
    function* (_go, c) {
      return yield* c.recv();
    },
    function* (go, c) {
      return (yield* go.select([c.recvCase()])).value;
    },
    function* (go, c) {
      return (yield* go.select([c.recvCase(), go.chan(i32).recvCase()])).value;
    },
  ];
  const sends: ((go: Go, c: Chan<number>) => Generator<void, unknown, void>)[] = [
    function* (_go, c) {
      yield* c.send(1);
    },
    function* (go, c) {
      yield* go.select([c.sendCase(1)]);
    },
    function* (go, c) {
      yield* go.select([c.sendCase(1), go.chan(i32).sendCase(1)]);
    },
  ];
  let met = 0;
  for (const receive of receives) {
    for (const send of sends) {
      run(function* main(go) {
        const c = go.chan(i32);
        go.go(function* receiver(go: Go) {
          if ((yield* receive(go, c)) === 1) met++;
        });
        yield* go.gosched();
        yield* send(go, c);
        yield* go.gosched();
      });
    }
  }
  expect(met).toBe(9);
});

test('chan/sieve1.go: primes below 100', () => {
  const primes: number[] = [];
  run(function* main(go) {
    const out = go.chan(i32);
    function* generate(_go: Go, ch: SendChan<number>) {
      for (let i = 2; ; i++) yield* ch.send(i);
    }
    function* filter(_go: Go, from: RecvChan<number>, to: SendChan<number>, prime: number) {
      for (;;) {
        const i = yield* from.recv();
        if (i % prime !== 0) yield* to.send(i);
      }
    }
    go.go(function* sieve(go: Go) {
      let ch = go.chan(i32);
      go.go(generate, ch);
      for (;;) {
        const prime = yield* ch.recv();
        yield* out.send(prime);
        const next = go.chan(i32);
        go.go(filter, ch, next, prime);
        ch = next;
      }
    });
    for (let i = 0; i < 25; i++) primes.push(yield* out.recv());
  }, plain);
  expect(primes).toEqual([2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97]);
});

test('chan/zerosize.go: elements without a size, and very many of them', () => {
  run(function* main(go) {
    const c = go.chan(host<undefined>(), 1 << 24);
    yield* c.send(undefined);
    expect([c.length, c.capacity, yield* c.recv2()]).toEqual([1, 1 << 24, [undefined, true]]);
  });
});

test('closedchan.go: every way to use a closed channel, with and without a buffer', () => {
  for (const capacity of [0, 2]) {
    run(function* main(go) {
      const c = go.chan(i32, capacity);
      if (capacity > 0) {
        yield* c.send(1);
        yield* c.send(2);
      }
      c.close();
      if (capacity > 0) {
        expect(yield* c.recv()).toBe(1);
        expect(c.tryRecv()).toEqual({ value: 2, ok: true });
      }
      for (let i = 0; i < 3; i++) {
        expect(yield* c.recv()).toBe(0);
        expect(yield* c.recv2()).toEqual([0, false]);
        expect(c.tryRecv()).toEqual({ value: 0, ok: false });
        expect(yield* go.select([c.recvCase(), null])).toEqual({ index: 0, value: 0, ok: false });
      }
      const words: unknown[] = [];
      const caught = (body: () => unknown) =>
        go.call(function* (go) {
          go.defer(() => words.push(String(go.recover())));
          body();
        });
      yield* caught(() => c.send(1));
      yield* caught(() => c.trySend(1));
      yield* caught(() => go.select([c.sendCase(1), null]));
      yield* caught(() => c.close());
      yield* caught(() => go.nilChan(i32).close());
      expect(words).toEqual([...new Array(3).fill('send on closed channel'), 'close of closed channel', 'close of nil channel']);
    });
  }
});

test('chancap.go: lengths, capacities, and those that cannot be', () => {
  run(function* main(go) {
    const c = go.chan(i32, 10);
    expect([c.length, c.capacity]).toEqual([0, 10]);
    for (let i = 0; i < 3; i++) yield* c.send(i);
    expect([c.length, c.capacity]).toEqual([3, 10]);
    expect([go.chan(i32).length, go.chan(i32).capacity]).toEqual([0, 0]);
    for (const n of [-1, 2 ** 31, 2 ** 62, 0.5, NaN]) {
      yield* go.call(function* (go) {
        go.defer(() => expect(String(go.recover()), String(n)).toBe('makechan: size out of range'));
        go.chan(i32, n);
        expect.unreachable();
      });
    }
  });
});

describe('chan/powser1.go', () => {
  // Power series as channels of rational coefficients, by Doug McIlroy: goroutines that make each other, selects with nil cases.
  class Rat {
    constructor(
      readonly num: bigint,
      readonly den: bigint,
    ) {}
    toString() {
      return this.den === 1n ? `${this.num}` : `${this.num}/${this.den}`;
    }
    get isEnd() {
      return this.den === 0n;
    }
  }
  const gcd = (u: bigint, v: bigint): bigint => (u < 0n ? gcd(-u, v) : u === 0n ? v : gcd(v % u, u));
  const rat = (u: bigint, v = 1n) => {
    const g = gcd(u, v);
    return v > 0n ? new Rat(u / g, v / g) : new Rat(-u / g, -v / g);
  };
  const add = (u: Rat, v: Rat) => rat(u.num * v.den + v.num * u.den, u.den * v.den);
  const mul = (u: Rat, v: Rat) => rat(u.num * v.num, u.den * v.den);
  const neg = (u: Rat) => rat(-u.num, u.den);
  const [zero, one, finis] = [rat(0n), rat(1n), new Rat(1n, 0n)];

  interface PS {
    req: Chan<number>;
    dat: Chan<Rat>;
  }
  type Body = Generator<void, void, void>;

  /** The operations on series, in one runtime. */
  const series = (go: Go) => {
    const make = (): PS => ({ req: go.chan(i32), dat: go.chan(host<Rat>()) });
    function* get(u: PS): Generator<void, Rat, void> {
      yield* u.req.send(1);
      return yield* u.dat.recv();
    }
    function* put(dat: Rat, out: PS): Body {
      yield* out.req.recv();
      yield* out.dat.send(dat);
    }
    function* copy(from: PS, to: PS): Body {
      for (;;) {
        yield* to.req.recv();
        yield* to.dat.send(yield* get(from));
      }
    }
    function* get2(u: PS, v: PS): Generator<void, [Rat, Rat], void> {
      const from = [u, v];
      const out: [Rat, Rat] = [zero, zero];
      const req = from.map((s) => s.req.sendCase(1)) as (ReturnType<Chan<number>['sendCase']> | null)[];
      const dat: (ReturnType<Chan<Rat>['recvCase']> | null)[] = [null, null];
      for (let n = 4; n > 0; n--) {
        const r = yield* go.select([req[0], req[1], dat[0], dat[1]]);
        if (r.index < 2) {
          dat[r.index] = from[r.index]!.dat.recvCase();
          req[r.index] = null;
        } else {
          out[r.index - 2] = r.value as Rat;
          dat[r.index - 2] = null;
        }
      }
      return out;
    }
    function* doSplit(go: Go, from: PS, to: [PS, PS], wait: Chan<number>): Body {
      let both = false;
      if ((yield* go.select([to[0].req.recvCase(), wait.recvCase()])).index === 1) {
        both = true;
        if ((yield* go.select([to[0].req.recvCase(), to[1].req.recvCase()])).index === 1) to.reverse();
      }
      yield* from.req.send(1);
      const release = go.chan(i32);
      go.go(doSplit, from, to, release);
      const [out0, out1] = to;
      const dat = yield* from.dat.recv();
      yield* out0.dat.send(dat);
      if (!both) yield* wait.recv();
      yield* out1.req.recv();
      yield* out1.dat.send(dat);
      yield* release.send(0);
    }
    function* splitInto(u: PS, to: [PS, PS]): Body {
      const release = go.chan(i32);
      go.go(doSplit, u, to, release);
      yield* release.send(0);
    }
    function split(u: PS): [PS, PS] {
      const to: [PS, PS] = [make(), make()];
      const ends: [PS, PS] = [to[0], to[1]];
      go.go(function* splits() {
        yield* splitInto(u, to);
      });
      return ends;
    }
    /** A series that a goroutine makes. */
    const made = (body: (z: PS) => Body): PS => {
      const z = make();
      go.go(function* maker() {
        yield* body(z);
      });
      return z;
    };
    const ps = {
      get,
      rep: (c: Rat) =>
        made(function* (z) {
          for (;;) yield* put(c, z);
        }),
      mon: (c: Rat, n: number) =>
        made(function* (z) {
          for (let i = 0; i < n; i++) yield* put(zero, z);
          yield* put(c, z);
          yield* put(finis, z);
        }),
      add: (u: PS, v: PS): PS =>
        made(function* (z) {
          for (;;) {
            yield* z.req.recv();
            const [a, b] = yield* get2(u, v);
            if (a.isEnd || b.isEnd) {
              yield* z.dat.send(a.isEnd ? b : a);
              if (!a.isEnd || !b.isEnd) yield* copy(a.isEnd ? v : u, z);
            } else yield* z.dat.send(add(a, b));
          }
        }),
      cmul: (c: Rat, u: PS): PS =>
        made(function* (z) {
          for (;;) {
            yield* z.req.recv();
            const a = yield* get(u);
            if (a.isEnd) break;
            yield* z.dat.send(mul(c, a));
          }
          yield* z.dat.send(finis);
        }),
      shift: (c: Rat, u: PS): PS =>
        made(function* (z) {
          yield* put(c, z);
          yield* copy(u, z);
        }),
      mul: (u: PS, v: PS): PS =>
        made(function* (z) {
          yield* z.req.recv();
          const [a, b] = yield* get2(u, v);
          if (a.isEnd || b.isEnd) return yield* z.dat.send(finis);
          yield* z.dat.send(mul(a, b));
          const [uu, vv] = [split(u), split(v)];
          const w = ps.add(ps.cmul(a, vv[0]), ps.cmul(b, uu[0]));
          yield* z.req.recv();
          yield* z.dat.send(yield* get(w));
          yield* copy(ps.add(w, ps.mul(uu[1], vv[1])), z);
        }),
      diff: (u: PS): PS =>
        made(function* (z) {
          yield* z.req.recv();
          let a = yield* get(u);
          for (let i = 1n; !a.isEnd; i++) {
            a = yield* get(u);
            if (a.isEnd) break;
            yield* z.dat.send(mul(rat(i), a));
            yield* z.req.recv();
          }
          yield* z.dat.send(finis);
        }),
      integ: (c: Rat, u: PS): PS =>
        made(function* (z) {
          yield* put(c, z);
          for (let i = 1n; ; i++) {
            yield* z.req.recv();
            const a = yield* get(u);
            if (a.isEnd) break;
            yield* z.dat.send(mul(rat(1n, i), a));
          }
          yield* z.dat.send(finis);
        }),
      binom: (c0: Rat): PS =>
        made(function* (z) {
          let [c, t] = [c0, one];
          for (let n = 1n; c.num !== 0n; n++) {
            yield* put(t, z);
            t = mul(mul(t, c), rat(1n, n));
            c = add(c, neg(one));
          }
          yield* put(t, z);
          yield* put(finis, z);
        }),
      recip: (u: PS): PS =>
        made(function* (z) {
          const zz: [PS, PS] = [make(), make()];
          const [z0, z1] = zz;
          yield* z.req.recv();
          const a = yield* get(u);
          const inverse = rat(a.den, a.num);
          yield* z.dat.send(inverse);
          yield* splitInto(ps.mul(ps.cmul(neg(inverse), u), ps.shift(inverse, z0)), zz);
          yield* copy(z1, z);
        }),
      *exp(u: PS): Generator<void, PS, void> {
        const zz: [PS, PS] = [make(), make()];
        const [z0, z1] = zz;
        yield* splitInto(ps.integ(one, ps.mul(z0, ps.diff(u))), zz);
        return z1;
      },
      subst: (u: PS, v: PS): PS =>
        made(function* (z) {
          const vv = split(v);
          yield* z.req.recv();
          const a = yield* get(u);
          yield* z.dat.send(a);
          if (a.isEnd) return;
          if ((yield* get(vv[0])).isEnd) yield* put(finis, z);
          else yield* copy(ps.mul(vv[0], ps.subst(u, vv[1])), z);
        }),
    };
    return ps;
  };
  type Series = ReturnType<typeof series>;

  const cases: [name: string, make: (s: Series) => Generator<void, PS, void>, terms: string][] = [
    ['ones', (s) => now(s.rep(one)), '1 1 1 1 1'],
    ['a sum', (s) => now(s.add(s.rep(one), s.rep(rat(2n)))), '3 3 3 3 3'],
    ['a derivative', (s) => now(s.diff(s.rep(one))), '1 2 3 4 5'],
    ['an integral', (s) => now(s.integ(zero, s.rep(one))), '0 1 1/2 1/3 1/4 1/5'],
    ['a product', (s) => now(s.mul(s.rep(one), s.rep(one))), '1 2 3 4 5 6'],
    ['a finite product', (s) => now(s.mul(s.binom(rat(2n)), s.binom(rat(1n)))), '1 3 3 1'],
    ['a reciprocal', (s) => now(s.recip(s.rep(one))), '1 -1 0 0 0'],
    ['e to the x', (s) => s.exp(s.mon(one, 1)), '1 1 1/2 1/6 1/24 1/120'],
    ['e to the ones', (s) => s.exp(s.rep(one)), '1 1 3/2 13/6 73/24 167/40 4051/720'],
    ['a substitution', (s) => now(s.subst(s.rep(one), s.shift(zero, s.rep(one)))), '1 1 2 4 8 16'],
  ];
  function* now(u: PS): Generator<void, PS, void> {
    return u;
  }
  test.each(cases)('chan/powser1.go: %s', (_, make, terms) => {
    const want = terms.split(' ');
    const got: string[] = [];
    for (const options of [plain, { ...plain, procs: 3 }, { ...plain, chooser: new RandomChooser(5) }]) {
      got.length = 0;
      run(function* main(go) {
        const s = series(go);
        const u = yield* make(s);
        for (let i = 0; i < want.length; i++) got.push(String(yield* s.get(u)));
      }, options);
      expect(got).toEqual(want);
    }
  });
});
