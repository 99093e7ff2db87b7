// Marking in slices as the scheduler cuts them, on the built bundle, over a live heap of COUNT objects. Three lines of figures:
//
//   slicing-cost   pairs of collections, one that the scheduler marks in slices, one marked in one piece; CPU time of their markings
//   slice          time of each slice of forced collections: the program waits, the P marks as an idle worker
//   alloc-slice    the same while the program allocates with GOGC=100: slices of the fractional worker and of assists
//   alloc-stop     slices between which the program did nothing at all, taken together: how long it was held up
//
// A slice is a call of GC.step while marking: a root job, grey objects up to the worker's bound, or mark termination. Its time is
// real time, less what other processes on the machine took of it. The pairs come first, because reading two clocks around
// every slice is a cost too.
import { cpuMs, emitTimes, loadGorena, stopwatch } from '../lib/side.mjs';
import { buildShape } from './programs.mjs';

const [shape, countText, pairsText] = process.argv.slice(2);
const warmUps = 2;
const forcedCycles = 10;
const allocCycles = 6;
const gorena = await loadGorena();
const rt = new gorena.Runtime({ heapBytes: 256 << 20, gogc: 'off' });
const { gc } = rt.machine;

let markedAt = 0;
gc.onMarkTermination(() => {
  markedAt = cpuMs();
});

/** From the beginning of a collection to its mark termination. */
function* markSliced(go) {
  const start = cpuMs();
  yield* go.gc();
  return markedAt - start;
}

function markWhole() {
  const start = cpuMs();
  gc.start(true);
  while (gc.marking) gc.step(2 ** 30);
  const ms = markedAt - start;
  while (!gc.sweeper.isDone) gc.sweepStep();
  return ms;
}

let operations = 0; // of the program; two slices with the same number have nothing of the program between them
let slices = [];
let stops = [];

/** From now on every slice of marking is timed. */
function watchSlices() {
  const { step } = Object.getPrototypeOf(gc);
  let last = -1;
  gc.step = function timedStep(maxObjects) {
    if (!this.marking) return step.call(this, maxObjects);
    const elapsed = stopwatch();
    const cost = step.call(this, maxObjects);
    const ms = elapsed();
    slices.push(ms);
    if (operations === last) stops[stops.length - 1] += ms;
    else stops.push(ms);
    last = operations;
    return cost;
  };
}

/** Allocates and drops until so many collections have ended; yields now and then, as a program that talks to others would. */
function* allocate(go, frame, cycles) {
  const { raw } = go;
  const type = raw.defineType('main.o16', 16, [0, 1]);
  const end = gc.numGC + cycles;
  while (gc.numGC < end) {
    for (let i = 0; i < 1000; i++) {
      const o = raw.new(type);
      operations++;
      raw.store(o, 0, raw.get(frame, 1));
      raw.set(frame, 1, o);
      if (i % 100 === 0) raw.set(frame, 1, 0);
    }
    yield* go.gosched();
    operations++;
  }
}

rt.run(function* main(go) {
  const { raw } = go;
  const frame = raw.enter(raw.pc('main.main'), 2);
  buildShape(gorena, raw, frame, shape, Number(countText));
  yield* go.gc();
  for (let i = -warmUps; i < Number(pairsText); i++) {
    const slicedFirst = i % 2 === 0;
    const before = slicedFirst ? 0 : markWhole();
    const sliced = yield* markSliced(go);
    const whole = slicedFirst ? markWhole() : before;
    if (i >= 0) console.log(JSON.stringify({ b: 'slicing-cost', ratio: sliced / whole, sliced, whole }));
  }

  watchSlices();
  for (let i = 0; i < warmUps + forcedCycles; i++) {
    if (i === warmUps) slices = [];
    yield* go.gc();
  }
  emitTimes('slice', slices);

  gc.setGCPercent(100);
  yield* allocate(go, frame, warmUps);
  slices = [];
  stops = [];
  operations++;
  yield* allocate(go, frame, allocCycles);
  emitTimes('alloc-slice', slices);
  emitTimes('alloc-stop', stops);
});
