// Sweeping a heap of MB megabytes full of objects of 16 bytes, of which half are dead, at random, on the built bundle. Ways:
//
//   background   the scheduler's: while the program sleeps, a P without work sweeps span by span
//   whole        all spans at once, as whoever begins the next cycle does with what is left
//
// Timed from mark termination to the last span, others on the machine left out. Before each sweep the heap is filled up again with
// objects that nobody keeps, so that half of it is dead anew.
import { emit, loadGorena, stopwatch, xorshift } from '../lib/side.mjs';

const [mbText] = process.argv.slice(2);
const count = (Number(mbText) << 20) / 16;
const warmUps = 3;
const repeats = 10;
const longEnough = 1e9; // virtual nanoseconds, in which any such heap is marked and swept
const { Runtime } = await loadGorena();
const rt = new Runtime({ heapBytes: 256 << 20, gogc: 'off' });
const { gc, heap } = rt.machine;

let sinceMarked = stopwatch();
gc.onMarkTermination(() => {
  sinceMarked = stopwatch();
});

const ways = {
  *background(go) {
    gc.start(false);
    yield* go.sleep(longEnough);
    return sinceMarked(); // nothing else happened after the last span
  },
  *whole() {
    gc.start(false);
    while (gc.marking) gc.step(2 ** 30);
    const elapsed = stopwatch();
    gc.sweeper.finish();
    const ms = elapsed();
    gc.sweepStep(); // says that the sweep is complete
    return ms;
  },
};

rt.run(function* main(go) {
  const { raw } = go;
  const type = raw.defineType('main.o16', 16, [0]);
  const frame = raw.enter(raw.pc('main.main'), 1);
  const random = xorshift();
  let live = 0;
  for (let i = 0; i < count; i++) {
    const o = raw.new(type);
    if (random() % 2 === 0) continue;
    raw.store(o, 0, raw.get(frame, 0));
    raw.set(frame, 0, o);
    live++;
  }
  for (let i = -warmUps; i < repeats; i++) {
    for (const [name, sweep] of Object.entries(ways)) {
      const ms = yield* sweep(go);
      const { pagesSwept } = heap.stats;
      if (i >= 0) emit(name, ms, 1, { perSpan: (ms * 1e6) / pagesSwept, pagesSwept, numGC: gc.numGC });
      for (let k = live; k < count; k++) raw.new(type);
    }
  }
});
