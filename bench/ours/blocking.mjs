// select and mutexes through the typed API, on the built bundle. Work as in ../peers/go/sched.go, name by name.
import { emit, loadGorena } from '../lib/side.mjs';

const [, , name, countText] = process.argv;
const { f64, Runtime } = await loadGorena();

const programs = {
  select4: { usual: 1_000_000, main: select4 },
  mutex: { usual: 50_000_000, main: mutexAlone },
  'mutex-now': { usual: 50_000_000, main: mutexNow },
  mutex10: { usual: 100_000, main: mutexContended },
};

function* counter(_go, c, n) {
  for (let i = 0; i < n; i++) yield* c.send(i);
}

function* select4(go, n) {
  const start = performance.now();
  const cs = [0, 1, 2, 3].map(() => go.chan(f64));
  const each = Math.floor(n / 4);
  for (const c of cs) go.go(counter, c, each);
  const [a, b, c, d] = cs;
  let sum = 0;
  for (let i = 0; i < each * 4; i++) {
    const { value } = yield* go.select([a.recvCase(), b.recvCase(), c.recvCase(), d.recvCase()]);
    sum += value;
  }
  emit('select4', performance.now() - start, each * 4, { sum });
}

function* mutexAlone(go, n) {
  const start = performance.now();
  const mu = go.mutex();
  let count = 0;
  for (let i = 0; i < n; i++) {
    yield* mu.lock();
    count++;
    mu.unlock();
  }
  emit('mutex', performance.now() - start, n, { count });
}

/** The same, asking first. */
function* mutexNow(go, n) {
  const start = performance.now();
  const mu = go.mutex();
  let count = 0;
  for (let i = 0; i < n; i++) {
    if (!mu.lockNow()) yield* mu.lock();
    count++;
    mu.unlock();
  }
  emit('mutex-now', performance.now() - start, n, { count });
}

function* contender(go, mu, counted, n, done) {
  for (let i = 0; i < n; i++) {
    yield* mu.lock();
    counted.count++;
    yield* go.gosched();
    mu.unlock();
  }
  done.done();
}

function* mutexContended(go, n) {
  const start = performance.now();
  const mu = go.mutex();
  const wg = go.waitGroup();
  const counted = { count: 0 };
  for (let g = 0; g < 10; g++) {
    wg.add(1);
    go.go(contender, mu, counted, n, wg);
  }
  yield* wg.wait();
  emit('mutex10', performance.now() - start, 10 * n, { count: counted.count });
}

const { usual, main } = programs[name];
new Runtime().run((go) => main(go, Number(countText ?? 0) || usual)); // the goroutine's own function: no yield* around it
