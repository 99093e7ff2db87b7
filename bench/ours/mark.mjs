// One forced full collection of a live heap, on the built bundle, five times; then one that finds everything dead. Automatic
// collections are off, as in ../peers/go/mark.go.
import { emit, loadGorena } from '../lib/side.mjs';
import { buildShape } from './programs.mjs';

const [, shape, countText] = process.argv.slice(2);
const gorena = await loadGorena();
const rt = new gorena.Runtime({ heapBytes: 512 << 20, gogc: 'off' });

rt.run(function* main(go) {
  const { raw } = go;
  const frame = raw.enter(raw.pc('main.main'), 2);
  const count = buildShape(gorena, raw, frame, shape, Number(countText));
  yield* go.gc();
  for (let i = 0; i < 5; i++) {
    const start = performance.now();
    yield* go.gc();
    emit('mark', performance.now() - start, count);
  }
  raw.set(frame, 0, 0);
  const start = performance.now();
  yield* go.gc();
  emit('sweep-all', performance.now() - start, count);
});
