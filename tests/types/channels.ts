// Never run, only compiled: what the types of select, of the two ends of a channel, of sync and of deferred calls must refuse.
// See fields.ts. Go's test/chan/perm.go is in here: what may be done with which end.
import { type Chan, type Go, type GoFunc, host, i32, type RecvChan, type Ref, type SendChan, self, struct } from 'gorena';

const Node = struct('types.CNode', { id: i32, next: self });

export const ends: GoFunc<[]> = function* perm(go) {
  const c: Chan<number> = go.chan(i32);
  const cr: RecvChan<number> = c;
  const cs: SendChan<number> = c;

  // What is right must stay right.
  yield* c.send(1);
  const n: number = yield* cr.recv();
  yield* cs.send(n);
  cs.close();
  const lengths: number = cr.length + cs.capacity;

  // @ts-expect-error send on a receive-only channel
  yield* cr.send(0);
  // @ts-expect-error nor without waiting
  cr.trySend(0);
  // @ts-expect-error nor in a select
  cr.sendCase(0);
  // @ts-expect-error receive from a send-only channel
  yield* cs.recv();
  // @ts-expect-error nor with ok
  yield* cs.recv2();
  // @ts-expect-error nor without waiting
  cs.tryRecv();
  // @ts-expect-error nor in a select
  cs.recvCase();
  // @ts-expect-error a receiver does not close
  cr.close();
  // @ts-expect-error one direction does not become both again
  const both: Chan<number> = cr;
  // @ts-expect-error nor the other one
  const other: SendChan<number> = cr;
  // @ts-expect-error an element of another type
  yield* cs.send('1');
  // @ts-expect-error a channel of numbers is none of texts
  const texts: RecvChan<string> = c;
  // A sender of more may stand for a sender of less, a receiver of less for a receiver of more.
  const less: SendChan<1> = go.chan(host<number>());
  const more: RecvChan<string | number> = go.chan(host<number>());
  // @ts-expect-error but not the other way round
  const wrongSend: SendChan<string | number> = go.chan(host<number>());
  // @ts-expect-error nor there
  const wrongRecv: RecvChan<1> = go.chan(host<number>());

  void [lengths, both, other, texts, less, more, wrongSend, wrongRecv];
};

export const selects: GoFunc<[]> = function* main(go) {
  const numbers = go.chan(i32);
  const nodes = go.chan(Node);
  const words = go.chan(host<string>());
  const f = go.locals({ n: Node });

  const r = yield* go.select([numbers.recvCase(), nodes.recvCase(), words.sendCase('x'), null]);
  if (r.index === 0) {
    const n: number = r.value;
    // @ts-expect-error the first case brings a number
    const s: string = r.value;
    void [n, s];
  } else if (r.index === 1) {
    f.n = r.value;
    // @ts-expect-error the second one a pointer
    const n: number = r.value;
    void n;
  } else if (r.index === 2) {
    const nothing: undefined = r.value;
    // @ts-expect-error a send brings nothing
    r.value.length;
    void nothing;
  }
  // @ts-expect-error there is no fifth case
  if (r.index === 4) void 0;
  // @ts-expect-error select waits, so it is always a case
  if (r.index === -1) void 0;
  const t = go.trySelect([numbers.recvCase()]);
  if (t.index === -1) void 0;
  // @ts-expect-error before index is looked at the value may be missing
  const unsure: number = t.value;
  // @ts-expect-error a case that sends a value of another type
  words.sendCase(5);
  // @ts-expect-error a channel is no case
  yield* go.select([numbers]);
  // @ts-expect-error the result needs its yield*
  go.select([numbers.recvCase()]).index;
  // Cases that are known only at run time have one type.
  const many = yield* go.select([1, 2].map(() => numbers.recvCase()));
  const value: number = many.value;
  void [unsure, value];
};

function* body(_go: Go, n: number): Generator<void, string, void> {
  return String(n);
}

export const calls: GoFunc<[]> = function* main(go) {
  const m = go.mutex();
  const c = go.cond(m);
  const pool = go.pool(Node, () => go.new(Node));
  const n: Ref<typeof Node> = pool.get();
  const maybe: Ref<typeof Node> | null = go.pool(Node).get();
  const s: string = yield* go.call(body, 5);
  go.defer((a: number, b: string) => void [a, b], 1, 'x');
  const time: number = yield* go.after(10).recv();

  // @ts-expect-error a pool without a maker may be empty
  go.pool(Node).get().id;
  // @ts-expect-error what is put must be of the pool's type
  pool.put(5);
  // @ts-expect-error an argument of the wrong type
  go.defer((a: number) => void a, 'x');
  // @ts-expect-error an argument is missing
  go.call(body);
  // @ts-expect-error the result is a text
  const wrong: number = yield* go.call(body, 5);
  // @ts-expect-error a condition needs a lock
  go.cond(c);
  // @ts-expect-error nobody sends on a timer's channel
  go.newTimer(5).c.send(1);
  // @ts-expect-error afterFunc takes a goroutine's function
  go.afterFunc(5, () => 5);
  // @ts-expect-error with its arguments
  go.afterFunc(5, function* f(_go: Go, _n: number) {}, 'x');
  // @ts-expect-error locking needs its yield*: the operation is no truth value to rely on
  const locked: boolean = m.lock();

  void [n, maybe, s, time, wrong, locked];
};
