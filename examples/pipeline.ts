// pipeline: stages that are connected by channels, with several workers in the middle. An object lives as long as it is under
// way; how long that is depends on the queues, and with several Ps on who runs where.
import { func, type GoFunc, i32, ptr, type Ref, slice, struct, u8 } from '../runtime/index.ts';
import { random } from './random.ts';

const Job = struct('main.Job', { id: i32, input: slice(u8) });
const Result = struct('main.Result', { id: i32, job: ptr(Job), output: slice(u8) });
const Batch = struct('main.Batch', { results: slice(ptr(Result)), length: i32 });

const makeJob = func('main.makeJob', { j: Job }, (f, id: number, bytes: number): Ref<typeof Job> => {
  f.j = f.new(Job);
  f.j.id = id;
  f.j.input = f.make(slice(u8), bytes);
  return f.j;
});

const process = func('main.process', { r: Result, scratch: slice(u8) }, (f, job: Ref<typeof Job>): Ref<typeof Result> => {
  f.scratch = f.make(slice(u8), 2 * job.input.length); // garbage when process returns
  f.r = f.new(Result);
  f.r.id = job.id;
  f.r.job = job;
  f.r.output = f.make(slice(u8), job.input.length);
  return f.r;
});

const workers = 4;
const batchSize = 64;

/** The program: `jobs` jobs through read, process (four workers) and write, which keeps a batch until it is full. */
export function pipeline(jobs: number, seed = 1): GoFunc<[]> {
  return function* main(go) {
    const todo = go.chan(Job, 64);
    const done = go.chan(Result, 64);
    const busy = go.waitGroup();
    const written = go.waitGroup();
    busy.add(workers);
    written.add(1);
    go.go(function* read(go) {
      const f = go.locals({ j: Job });
      const rnd = random(seed);
      for (let id = 0; id < jobs; id++) {
        f.j = makeJob(go, id, 16 << rnd.below(6)); // 16 to 512 bytes
        yield* todo.send(f.j);
      }
      todo.close();
    });
    for (let i = 0; i < workers; i++) {
      go.go(function* worker(go) {
        const f = go.locals({ j: Job, r: Result });
        for (;;) {
          f.j = yield* todo.recv();
          if (f.j === null) break;
          f.r = process(go, f.j);
          yield* done.send(f.r);
        }
        busy.done();
      });
    }
    go.go(function* write(go) {
      const f = go.locals({ b: Batch, r: Result });
      for (;;) {
        f.r = yield* done.recv();
        if (f.r === null) break;
        if (f.b === null || f.b.length === batchSize) {
          f.b = go.new(Batch);
          f.b.results = go.make(slice(ptr(Result)), batchSize);
        }
        f.b.results.set(f.b.length++, f.r);
      }
      written.done();
    });
    yield* busy.wait();
    done.close();
    yield* written.wait();
  };
}
