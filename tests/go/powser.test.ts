// Ports of Go's test/chan/powser1.go and powser2.go: power series as channels of rational coefficients, by Doug McIlroy ("Squinting at
// Power Series"): goroutines that make each other, selects with nil cases. The first carries values of JavaScript; the second
// pointers to structs of the heap, where Go's has interfaces. docs/go-tests.md says how they differ from their originals.
import { describe, expect, test } from 'vitest';
import {
  type Blocking,
  type Chan,
  type Go,
  host,
  i32,
  i64,
  type Options,
  RandomChooser,
  type RecvCase,
  type Ref,
  struct,
} from '../../runtime/index.ts';
import { run } from '../support/run.ts';

const plain: Options = { heapBytes: 8 << 20, maxGoroutines: 2000, oracle: false, checkHeap: false, checkMark: false, memProfileRate: 0 };

describe('chan/powser1.go', () => powerSeries('values'));
describe('chan/powser2.go', () => powerSeries('pointers'));

function powerSeries(carried: 'values' | 'pointers'): void {
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
  const Fraction = struct('main.rat', { num: i64, den: i64 });
  const [zero, one, finis] = [rat(0n), rat(1n), new Rat(1n, 0n)];

  /** A channel of coefficients. */
  interface Coefficients {
    send(r: Rat): Blocking<void>;
    recv(): Blocking<Rat>;
    recvCase(): RecvCase<unknown>;
    /** What a received value stands for. */
    of(value: unknown): Rat;
  }
  interface PS {
    req: Chan<number>;
    dat: Coefficients;
  }
  type Body = Generator<void, void, void>;

  /** The operations on series, in one runtime. */
  const series = (go: Go) => {
    const values = (): Coefficients => {
      const ch = go.chan(host<Rat>());
      return { send: (r) => ch.send(r), recv: () => ch.recv(), recvCase: () => ch.recvCase(), of: (value) => value as Rat };
    };
    const pointers = (): Coefficients => {
      const ch = go.chan(Fraction);
      const of = (value: unknown) => new Rat((value as Ref<typeof Fraction>).num, (value as Ref<typeof Fraction>).den);
      return {
        *send({ num, den }) {
          const f = go.new(Fraction);
          f.num = num;
          f.den = den;
          yield* ch.send(f);
        },
        *recv() {
          return of(yield* ch.recv());
        },
        recvCase: () => ch.recvCase(),
        of,
      };
    };
    const make = (): PS => ({ req: go.chan(i32), dat: carried === 'values' ? values() : pointers() });
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
      const dat: (RecvCase<unknown> | null)[] = [null, null];
      for (let n = 4; n > 0; n--) {
        const r = yield* go.select([req[0], req[1], dat[0], dat[1]]);
        if (r.index < 2) {
          dat[r.index] = from[r.index]!.dat.recvCase();
          req[r.index] = null;
        } else {
          out[r.index - 2] = from[r.index - 2]!.dat.of(r.value);
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
  test.each(cases)('%s', (_, make, terms) => {
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
}
