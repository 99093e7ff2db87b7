// Goroutines and channels through the typed API, on the built bundle. Work as in ../peers/go/sched.go, name by name; then what Go
// has no peer for: `deep` (a switch 16 calls below the top), `gosched64` (64 ready goroutines, fair or seeded), `parked` (memory).
import { emit, loadGorena } from '../lib/side.mjs';

const [, , name, countText, strategy = 'fair'] = process.argv;
const { f64, gofunc, RandomChooser, Runtime } = await loadGorena();

const programs = {
  pingpong: { usual: 5_000_000, main: pingpong },
  'pingpong-now': { usual: 5_000_000, main: pingpongNow },
  buffered: { usual: 10_000_000, main: buffered },
  'buffered-now': { usual: 10_000_000, main: bufferedNow },
  gosched: { usual: 5_000_000, main: (go, n) => goschedRing(go, 'gosched', 2, n) },
  gosched64: { usual: 150_000, main: (go, n) => goschedRing(go, 'gosched64', 64, n) },
  gosched10k: { usual: 300, main: (go, n) => goschedRing(go, 'gosched10k', 10_000, n) },
  deep: { usual: 5_000_000, main: (go, n) => deepRing(go, 16, n) },
  chain: { usual: 200, main: chain },
  spawn: { usual: 1_000_000, main: spawn },
  spawnbatch: { usual: 1_000_000, main: spawnBatch },
  sieve: { usual: 4000, main: sieve },
  parked: { usual: 1_000_000, main: parked },
};

function* ponger(_go, a, b) {
  for (let v = yield* a.recvOr(null); v !== null; v = yield* a.recvOr(null)) yield* b.send(v + 1);
  b.close();
}

function* pingpong(go, n) {
  const start = performance.now();
  const a = go.chan(f64);
  const b = go.chan(f64);
  go.go(ponger, a, b);
  let sum = 0;
  for (let i = 0; i < n; i++) {
    yield* a.send(i);
    sum += yield* b.recv();
  }
  a.close();
  emit('pingpong', performance.now() - start, 2 * n, { sum });
}

/** The same, asking first: `yield*` is left for what waits. */
function* pongerNow(_go, a, b) {
  for (let v = a.recvNow() ?? (yield* a.recvOr(null)); v !== null; v = a.recvNow() ?? (yield* a.recvOr(null))) {
    if (!b.sendNow(v + 1)) yield* b.send(v + 1);
  }
  b.close();
}

function* pingpongNow(go, n) {
  const start = performance.now();
  const a = go.chan(f64);
  const b = go.chan(f64);
  go.go(pongerNow, a, b);
  let sum = 0;
  for (let i = 0; i < n; i++) {
    if (!a.sendNow(i)) yield* a.send(i);
    sum += b.recvNow() ?? (yield* b.recv());
  }
  a.close();
  emit('pingpong-now', performance.now() - start, 2 * n, { sum });
}

function* producerNow(_go, c, n) {
  for (let i = 0; i < n; i++) if (!c.sendNow(i)) yield* c.send(i);
  c.close();
}

function* bufferedNow(go, n) {
  const start = performance.now();
  const c = go.chan(f64, 128);
  go.go(producerNow, c, n);
  let sum = 0;
  for (let v = c.recvNow() ?? (yield* c.recvOr(null)); v !== null; v = c.recvNow() ?? (yield* c.recvOr(null))) sum += v;
  emit('buffered-now', performance.now() - start, n, { sum });
}

function* producer(_go, c, n) {
  for (let i = 0; i < n; i++) yield* c.send(i);
  c.close();
}

function* buffered(go, n) {
  const start = performance.now();
  const c = go.chan(f64, 128);
  go.go(producer, c, n);
  let sum = 0;
  for (let v = yield* c.recvOr(null); v !== null; v = yield* c.recvOr(null)) sum += v;
  emit('buffered', performance.now() - start, n, { sum });
}

function* yielder(go, n, done) {
  for (let i = 0; i < n; i++) yield* go.gosched();
  done.done();
}

function* goschedRing(go, b, goroutines, n) {
  const start = performance.now();
  const done = go.waitGroup();
  done.add(goroutines);
  for (let g = 0; g < goroutines; g++) go.go(yielder, n, done);
  yield* done.wait();
  emit(b, performance.now() - start, goroutines * n);
}

/** A gosched ring of two whose goroutines call themselves `depth` times first, each call one that may block. */
function* deepRing(go, depth, n) {
  const start = performance.now();
  const done = go.waitGroup();
  done.add(2);
  for (let g = 0; g < 2; g++) go.go(deepYielder, depth, n, done);
  yield* done.wait();
  emit('deep', performance.now() - start, 2 * n);
}

function* deepYielder(go, depth, n, done) {
  yield* below(go, depth, n);
  done.done();
}

const below = gofunc('main.below', {}, function* (go, _f, depth, n) {
  if (depth > 0) yield* below(go, depth - 1, n);
  else for (let i = 0; i < n; i++) yield* go.gosched();
});

function* link(_go, from, to) {
  for (let v = yield* from.recvOr(null); v !== null; v = yield* from.recvOr(null)) yield* to.send(v + 1);
  to.close();
}

function* chain(go, n) {
  const goroutines = 10_000;
  const first = go.chan(f64);
  let last = first;
  for (let g = 0; g < goroutines; g++) {
    const next = go.chan(f64);
    go.go(link, last, next);
    last = next;
  }
  const start = performance.now();
  let sum = 0;
  for (let i = 0; i < n; i++) {
    yield* first.send(0);
    sum += yield* last.recv();
  }
  first.close();
  yield* last.recv();
  emit('chain', performance.now() - start, goroutines * n, { sum });
}

let count = 0;
function* nothing(_go, done) {
  count++;
  done.done();
}

function* spawn(go, n) {
  const start = performance.now();
  const done = go.waitGroup();
  for (let i = 0; i < n; i++) {
    done.add(1);
    go.go(nothing, done);
  }
  yield* done.wait();
  emit('spawn', performance.now() - start, n, { count });
}

function* spawnBatch(go, n) {
  const start = performance.now();
  const done = go.waitGroup();
  for (let i = 0; i < n; i += 100) {
    for (let j = 0; j < 100; j++) {
      done.add(1);
      go.go(nothing, done);
    }
    yield* done.wait();
  }
  emit('spawnbatch', performance.now() - start, n, { count });
}

function* numbers(_go, out) {
  for (let i = 2; ; i++) yield* out.send(i);
}

function* filter(_go, from, to, prime) {
  for (;;) {
    const v = yield* from.recv();
    if (v % prime !== 0) yield* to.send(v);
  }
}

function* sieve(go, n) {
  const start = performance.now();
  let from = go.chan(f64);
  go.go(numbers, from);
  let last = 0;
  for (let i = 0; i < n; i++) {
    last = yield* from.recv();
    const next = go.chan(f64);
    go.go(filter, from, next, last);
    from = next;
  }
  emit('sieve', performance.now() - start, 1, { last });
}

function* waiter(_go, gate) {
  yield* gate.recv();
}

/** Bytes that a parked goroutine costs: the process' resident set before and after, the arena's touched pages included. */
function* parked(go, n) {
  const gate = go.chan(f64);
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  const start = performance.now();
  for (let i = 0; i < n; i++) {
    go.go(waiter, gate);
    if (i % 100 === 99) yield* go.gosched();
  }
  yield* go.gosched();
  globalThis.gc?.();
  emit('parked', performance.now() - start, n, { bytes: (process.memoryUsage().rss - before) / n });
  const asked = performance.now();
  const records = go.goroutineProfile().length;
  emit('goroutineprofile', performance.now() - asked, n, { records });
  gate.close();
  while (go.numGoroutine() > 1) yield* go.gosched();
  yield* go.gc();
  globalThis.gc?.();
  emit('released', performance.now() - asked, n, { bytes: (process.memoryUsage().rss - before) / n });
}

const { usual, main } = programs[name];
const n = Number(countText ?? 0) || usual;
const rt = new Runtime({
  maxGoroutines: name === 'spawn' || name === 'parked' ? n + 16 : 20_000,
  heapBytes: 1 << 30,
  ...(strategy === 'random' && { chooser: new RandomChooser(1, false) }),
});
rt.run((go) => main(go, n)); // the goroutine's own function: a yield* around it would be resumed with each switch
