// The profiler's walks over all its buckets, on the built bundle: a rotation (mark termination and publication) of `buckets` buckets
// under a scheme, and MemProfile into a slice with enough room. Every bucket has a stack of its own and was allocated and freed
// in since the last rotation. A line a walk, in milliseconds.
import { emit, loadGorena, stopwatch } from '../lib/side.mjs';

const [what, scheme, ...numbers] = process.argv.slice(2);
const [buckets, walks] = numbers.map(Number);
const warmUps = 5;
const depth = 16;
const { Runtime } = await loadGorena();
const { profiler } = new Runtime({ scheme, heapBytes: 512 << 20 }).machine;

const stack = new Int32Array(depth).fill(0x401000);
const all = [];
for (let i = 0; i < buckets; i++) {
  stack[0] = 0x500000 + i * 16;
  all.push(profiler.mProfMalloc(64, stack, depth));
}
let cycle = 0;
const rotate = () => {
  profiler.markTermination(++cycle, false);
  profiler.worldStarted();
};
rotate();
rotate();
for (let i = -warmUps; i < walks; i++) {
  for (let k = 0; k < buckets; k++) {
    stack[0] = 0x500000 + k * 16;
    profiler.mProfMalloc(64, stack, depth);
    profiler.mProfFree(all[k], 64, false);
  }
  const records = new Array(buckets);
  const time = stopwatch();
  if (what === 'rotation') rotate();
  else if (!profiler.memProfile(records, true).ok) throw new Error('MemProfile had no room');
  const ms = time();
  if (what !== 'rotation') rotate();
  if (i >= 0) emit('profile-walk', ms, buckets);
}
