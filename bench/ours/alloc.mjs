// Allocate and drop, on the built bundle: objects of one size, each of which replaces the last in one root. Work as in
// ../peers/go/alloc.go: a warm-up of a tenth, then COUNT objects.
import { emit, loadGorena } from '../lib/side.mjs';

const [, sizeText, countText, rateText] = process.argv.slice(2);
const size = Number(sizeText);
const count = Number(countText);
const { Runtime } = await loadGorena();
const rt = new Runtime({ heapBytes: 256 << 20, ...(rateText !== undefined && { memProfileRate: Number(rateText) }) });

rt.run(function* main(go) {
  const { raw } = go;
  const type = raw.defineType(`main.o${size}`, size, size === 1024 ? [] : [0, 1]);
  const frame = raw.enter(raw.pc('main.main'), 1);
  const run = (n) => {
    for (let i = 0; i < n; i++) raw.set(frame, 0, raw.new(type));
  };
  run(count / 10);
  const start = performance.now();
  run(count);
  emit('alloc', performance.now() - start, count, { gcs: rt.stats().numGC });
});
