// Never run, only compiled: what the types of channels, blocking calls and goroutines must refuse. See fields.ts.
import { type Chan, f64, type Go, type GoFunc, host, i32, type Ref, Runtime, self, struct } from 'gorena';

const Node = struct('types.GNode', { id: i32, next: self });
// Not { id: i32 }: a reference to a struct with more fields passes for one with fewer, since types here are shapes.
const Other = struct('types.GOther', { other: i32 });

export const channels: GoFunc<[]> = function* main(go) {
  const f = go.locals({ n: Node, o: Other });
  f.n = go.new(Node);
  f.o = go.new(Other);
  const nodes = go.chan(Node, 4);
  const numbers = go.chan(f64);
  const words = go.chan(host<string>(), 1);

  // What is right must stay right.
  yield* nodes.send(f.n);
  yield* nodes.send(null);
  f.n = yield* nodes.recv();
  const [last, ok] = yield* nodes.recv2();
  const orClosed: Ref<typeof Node> | null | 'closed' = yield* nodes.recvOr('closed');
  yield* numbers.send(1.5);
  const half: number = yield* numbers.recv();
  const word: string = yield* words.recv();
  const typed: Chan<Ref<typeof Node> | null> = nodes;

  // @ts-expect-error a reference to another struct
  yield* nodes.send(f.o);
  // @ts-expect-error a number is no pointer
  yield* nodes.send(5);
  // @ts-expect-error a text is no number
  yield* numbers.send('1.5');
  // @ts-expect-error nil is no number
  yield* numbers.send(null);
  // @ts-expect-error a number is no text
  yield* words.send(1);
  // @ts-expect-error a local of another struct
  f.o = yield* nodes.recv();
  // @ts-expect-error a received pointer may be nil
  (yield* nodes.recv()).id;
  // @ts-expect-error it may be closed
  const noClosed: Ref<typeof Node> | null = yield* nodes.recvOr('closed');
  // @ts-expect-error the second value is a truth value
  const wrongOk: number = (yield* nodes.recv2())[1];
  // @ts-expect-error a channel of numbers is no channel of pointers
  const wrongChan: typeof nodes = numbers;
  // @ts-expect-error an element type must be given
  go.chan();
  // @ts-expect-error a truth value is no element type
  go.chan(true);

  void [last, ok, orClosed, half, word, typed, noClosed, wrongOk, wrongChan];
};

export const forgotten: GoFunc<[]> = function* main(go) {
  const ch = go.chan(i32, 1);
  const nodes = go.chan(Node, 1);
  const f = go.locals({ n: Node });

  // @ts-expect-error the value of a receive needs its yield*
  const value: number = ch.recv();
  // The pair can be taken apart without it, but nothing can be done with the parts.
  const [v] = ch.recv2();
  // @ts-expect-error
  const part: number = v;
  // @ts-expect-error a field of what was not awaited
  nodes.recv().id;
  // @ts-expect-error a local takes the value, not the operation
  f.n = nodes.recv();
  // @ts-expect-error no arithmetic with an operation
  const sum = ch.recv() + 1;

  yield* ch.send(1);
  void [value, part, sum];
};

function* worker(_go: Go, _count: number, _node: Ref<typeof Node> | null): Generator<void, void, void> {}

export const starting: GoFunc<[]> = function* main(go) {
  const f = go.locals({ n: Node, o: Other });
  f.n = go.new(Node);
  f.o = go.new(Other);
  go.go(worker, 3, f.n);
  go.go(worker, 3, null);

  // @ts-expect-error an argument is missing
  go.go(worker, 3);
  // @ts-expect-error an argument of the wrong type
  go.go(worker, 'three', null);
  // @ts-expect-error a reference to another struct
  go.go(worker, 3, f.o);
  // @ts-expect-error one too many
  go.go(worker, 3, null, 4);
  // @ts-expect-error a plain function is no goroutine
  go.go((_go: Go) => 5);
  // @ts-expect-error an async function is no goroutine
  go.go(async (_go: Go) => {});
  // @ts-expect-error a called generator is no function
  go.go(worker(go, 3, null));

  yield* go.sleep(1);
};

export function running(): void {
  const rt = new Runtime({ procs: 2, gogc: 'off', scheme: 'cycle', watch: ['naive'] });
  rt.run(starting);
  // @ts-expect-error main has no arguments but its goroutine
  rt.run(worker);
  // @ts-expect-error no such option
  new Runtime({ gomaxprocs: 2 });
  // @ts-expect-error no such scheme
  new Runtime({ scheme: 'four-stage' });
  // @ts-expect-error GOGC is a number or off
  new Runtime({ gogc: 'on' });
}
