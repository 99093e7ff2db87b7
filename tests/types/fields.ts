// Never run, only compiled: what the types of structs, references and fields must refuse. Each refusal is one line below a
// directive; the directive itself is an error when the line is accepted after all. tests/unit/runtime/types.test.ts compiles this.
import { bool, f64, func, type GoFunc, i32, ptr, type Ref, self, struct } from 'gorena';

const Node = struct('types.Node', { id: i32, weight: f64, red: bool, next: self });
const Other = struct('types.Other', { id: i32, node: ptr(Node), list: self });

export const fields: GoFunc<[]> = function* main(go) {
  const f = go.locals({ n: Node, o: Other });
  f.n = go.new(Node);
  f.o = go.new(Other);

  // What is right must stay right.
  const id: number = f.n.id + f.n.weight;
  const red: boolean = f.n.red;
  const next: Ref<typeof Node> | null = f.n.next;
  const far: number | undefined = f.n.next?.next?.next?.id;
  f.n.next = f.n;
  f.n.next = null;
  f.o.node = f.n;
  f.o.list = f.o;

  // @ts-expect-error no such field
  f.n.nxt = null;
  // @ts-expect-error no such field to read
  f.n.value;
  // @ts-expect-error a number field takes no text
  f.n.id = 'seven';
  // @ts-expect-error a truth value is no number
  f.n.red = 1;
  // @ts-expect-error a number is no truth value
  f.n.weight = true;
  // @ts-expect-error a pointer field takes no number, not even an address
  f.n.next = 4096;
  // @ts-expect-error a pointer to another struct
  f.n.next = f.o;
  // @ts-expect-error a pointer to another struct, through ptr
  f.o.node = f.o;
  // @ts-expect-error undefined is not nil
  f.n.next = undefined;
  // @ts-expect-error what may be nil must be looked at first
  f.n.next.id = 1;
  // @ts-expect-error the address is not to be changed
  f.n.addr = 0;
  // @ts-expect-error references to different structs are never the same object
  f.n.is(f.o);
  // @ts-expect-error no such local
  f.m = f.n;
  // @ts-expect-error a local of another type
  f.o = f.n;
  // @ts-expect-error a struct is declared with field types
  struct('types.Bad', { id: 'i32' });
  // @ts-expect-error only structs can be made
  go.new({ id: i32 });

  yield* go.gosched();
  void [id, red, next, far];
};

const total = func('types.total', { n: Node, m: Node }, (f, head: Ref<typeof Node>, times: number): number => {
  f.n = head;
  // @ts-expect-error no such local
  f.head = head;
  // @ts-expect-error a function's local of another type
  f.m = f.new(Other);
  return f.n.id * times;
});

export const calls: GoFunc<[]> = function* main(go) {
  const f = go.locals({ n: Node, o: Other });
  f.n = go.new(Node);
  f.o = go.new(Other);
  const sum: number = total(go, f.n, 2) + total(f, f.n, 3);

  // @ts-expect-error the caller comes first
  total(f.n, 2);
  // @ts-expect-error an argument is missing
  total(go, f.n);
  // @ts-expect-error an argument of the wrong type
  total(go, f.n, 'two');
  // @ts-expect-error a reference to another struct
  total(go, f.o, 2);
  // @ts-expect-error nil where none is allowed
  total(go, null, 2);
  // @ts-expect-error one too many
  total(go, f.n, 2, 3);
  // @ts-expect-error the result is a number
  const text: string = total(go, f.n, 2);

  yield* go.gosched();
  void [sum, text];
};
