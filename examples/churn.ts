// churn: a steady live set and much garbage. A producer makes messages, a consumer keeps the newest of them in a ring and
// drops the rest, over a channel: most objects die young, and by how much the naive profile lies depends on when the
// sweeper comes by.
import { func, type GoFunc, i32, ptr, type Ref, self, struct } from '../runtime/index.ts';

const Payload = struct('main.Payload', { a: i32, b: i32, c: i32, d: i32, e: i32, f: i32 });
const Message = struct('main.Message', { id: i32, payload: ptr(Payload), next: self });
const List = struct('main.List', { head: ptr(Message), length: i32 });

const makeMessage = func('main.makeMessage', { m: Message }, (f, id: number): Ref<typeof Message> => {
  f.m = f.new(Message);
  f.m.id = id;
  f.m.payload = f.new(Payload);
  f.m.payload.a = id;
  return f.m;
});

/** Puts m in front of the list and cuts it behind `keep` messages. */
const remember = func('main.remember', {}, (_f, list: Ref<typeof List>, m: Ref<typeof Message>, keep: number) => {
  m.next = list.head;
  list.head = m;
  list.length += 1;
  if (list.length < 2 * keep) return;
  let last: Ref<typeof Message> | null = list.head;
  for (let i = 1; i < keep && last !== null; i++) last = last.next;
  if (last !== null) last.next = null;
  list.length = keep;
});

/** The program: `messages` messages, of which the newest 2,000 to 4,000 live. */
export function churn(messages = 400_000): GoFunc<[]> {
  return function* main(go) {
    const ch = go.chan(Message, 16);
    const done = go.waitGroup();
    done.add(2);
    go.go(function* producer(go) {
      const f = go.locals({ m: Message });
      for (let id = 0; id < messages; id++) {
        f.m = makeMessage(f, id);
        yield* ch.send(f.m);
      }
      ch.close();
      done.done();
    });
    go.go(function* consumer(go) {
      const f = go.locals({ list: List, m: Message });
      f.list = go.new(List);
      for (;;) {
        f.m = yield* ch.recv();
        if (f.m === null) break;
        remember(f, f.list, f.m, 2000);
      }
      done.done();
    });
    yield* done.wait();
  };
}
