// Allocate and drop, on the built bundle: objects of one size, each of which replaces the last in one root. Work as in
// ../peers/go/alloc.go: a warm-up of a tenth, then COUNT objects.
import { emit, loadGorena } from '../lib/side.mjs';
import { allocLoop } from './programs.mjs';

const [, sizeText, countText] = process.argv.slice(2);
const size = Number(sizeText);
const count = Number(countText);
const { Runtime } = await loadGorena();
const rt = new Runtime({ heapBytes: 256 << 20 });

rt.run(function* main({ raw }) {
  const frame = raw.enter(raw.pc('main.main'), 1);
  const run = allocLoop(raw, frame, size);
  run(count / 10);
  const start = performance.now();
  run(count);
  emit('alloc', performance.now() - start, count, { gcs: rt.stats().numGC });
});
