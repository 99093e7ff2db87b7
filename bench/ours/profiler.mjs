// What the memory profiler costs, at its default rate or at one that is given, on the built bundle: pieces of a program with the profiler
// on and off by turns, in one process, so that code, heap and machine are the same for both. Every piece begins after a full collection; which of a
// pair goes first alternates. A line a pair: CPU time with the profiler by CPU time without.
import { cpuMs, loadGorena } from '../lib/side.mjs';
import { allocLoop, rawTrees, shortLived } from './programs.mjs';

const [program, ...numbers] = process.argv.slice(2);
// amount: objects of a piece; for trees, log2 of the pieces in the program. frames: how deep alloc allocates
const [size, amount, pairs, givenRate, frames = 1] = numbers.map(Number);
const warmUps = 3;
const { Runtime, self, struct } = await loadGorena();
const rt = new Runtime({ heapBytes: 256 << 20 });
const memProfileRate = givenRate ?? rt.settings.memProfileRate;

/** Prepares what lives all the time and returns a function that runs one piece. */
function pieceOf(raw) {
  let frame = raw.enter(raw.pc('main.main'), 1);
  for (let i = 2; i <= frames; i++) frame = raw.enter(raw.pc(`main.f${i}`), 1); // with the goroutine's own there is one more
  if (program === 'alloc') {
    const run = allocLoop(raw, frame, size);
    return () => run(amount);
  }
  const trees = rawTrees(raw, raw.type(struct('main.Tree', { left: self, right: self })));
  raw.set(frame, 0, trees.bottomUp(size));
  return () => shortLived(trees, size, amount);
}

rt.run(function* main(go) {
  const piece = pieceOf(go.raw);
  const timed = function* (rate) {
    rt.machine.setMemProfileRate(rate);
    yield* go.gc();
    const start = cpuMs();
    piece();
    return cpuMs() - start;
  };
  for (let i = -warmUps; i < pairs; i++) {
    const rates = i % 2 === 0 ? [memProfileRate, 0] : [0, memProfileRate];
    const first = yield* timed(rates[0]);
    const second = yield* timed(rates[1]);
    const [on, off] = i % 2 === 0 ? [first, second] : [second, first];
    if (i >= 0) console.log(JSON.stringify({ b: 'profiler-cost', ratio: on / off, on, off }));
  }
});
