// search: a server that asks several backends at once and has no time to lose. Each request has a deadline (context), its parts are
// goroutines of a group (errgroup): the first that fails cancels the others, and what comes too late is dropped.
import { context, errgroup, type Go, type GoFunc, i32, ptr, type Ref, slice, struct, u8 } from '../runtime/index.ts';
import { random } from './random.ts';

const Hit = struct('main.Hit', { backend: i32, text: slice(u8) });
const Page = struct('main.Page', { hits: slice(ptr(Hit)) });

const backends = 3;
const atOnce = 8;
/** Virtual nanoseconds that a request may take. */
const patience = 2e6;

/** How the requests ended. */
export interface Outcome {
  answered: number;
  late: number;
  failed: number;
}

/** A backend that is down, as an error of Go's. */
class Down {
  constructor(private readonly backend: number) {}
  Error(): string {
    return `backend ${this.backend} is down`;
  }
}

/** Asks one backend, which takes `nanos`, for a hit of `bytes`; the page gets it. Gives up when the context does. */
function* ask(go: Go, ctx: context.Context, page: Ref<typeof Page>, backend: number, nanos: number, bytes: number) {
  const f = go.locals({ page: Page, hit: Hit });
  f.page = page;
  const r = yield* go.select([go.after(nanos).recvCase(), ctx.done().recvCase()]);
  if (r.index === 1) return ctx.err();
  if (bytes === 0) return new Down(backend);
  f.hit = go.new(Hit);
  f.hit.backend = backend;
  f.hit.text = go.make(slice(u8), bytes);
  f.page.hits.set(backend, f.hit);
  return null;
}

/** The program: `requests` requests, eight at a time; calls `report` with how they ended. */
export function search(requests: number, seed = 1, report: (outcome: Outcome) => void = () => {}): GoFunc<[]> {
  return function* main(go) {
    const outcome: Outcome = { answered: 0, late: 0, failed: 0 };
    const rnd = random(seed);
    const all = new errgroup.Group(go);
    all.setLimit(atOnce);
    for (let i = 0; i < requests; i++) {
      // What the backends will do: most answer soon, some too late, and now and then one is down.
      const plan = Array.from({ length: backends }, () => [20_000 << rnd.below(8), rnd.below(50) === 0 ? 0 : 16 << rnd.below(5)] as const);
      yield* all.go(function* request(go) {
        const f = go.locals({ page: Page });
        f.page = go.new(Page);
        f.page.hits = go.make(slice(ptr(Hit)), backends);
        const [timed, cancel] = context.withTimeout(context.background(go), patience);
        go.defer(cancel);
        const [group, ctx] = errgroup.withContext(timed);
        for (let b = 0; b < backends; b++) {
          const page = f.page;
          yield* group.go((go) => ask(go, ctx, page, b, ...plan[b]!));
        }
        const err = yield* group.wait();
        if (err === null) outcome.answered++;
        else if (err === context.deadlineExceeded) outcome.late++;
        else outcome.failed++;
      });
    }
    yield* all.wait();
    report(outcome);
  };
}
