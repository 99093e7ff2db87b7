// Floors: the least that marking, allocating and sweeping can be in plain JavaScript. Each is one loop over typed arrays that knows
// one kind of object and nothing of types, spans, statistics or barriers. node floor.mjs mark SHAPE COUNT | alloc SIZE COUNT | sweep MB
//
//   mark    objects of 16 B, two pointers each; a mark bit per 16 B and a stack of addresses; arrays are lists of roots
//   alloc   the lowest free bit of a word, and zeroing; 4 MB in turn, all of it free again at its end
//   sweep   64 words of 8192 B: copy the mark bits over the allocation bits, clear and count them (a bit per 8 B, as ours)

import { emit, stopwatch, treeDepth, xorshift } from '../../lib/side.mjs';

const nodeBytes = 16;

class MarkFloor {
  constructor(count) {
    this.heap = new Int32Array((count + 1) * (nodeBytes / 4));
    this.marks = new Int32Array((count >>> 5) + 1);
    this.stack = new Int32Array(count + 1);
  }

  /** Marks what the roots reach; returns how many objects that is. */
  mark(roots) {
    const { heap, marks, stack } = this;
    let count = 0;
    let marked = 0;
    for (let i = 0; i < roots.length; i++) {
      const root = roots[i];
      const bit = 1 << ((root >>> 4) & 31);
      if ((marks[root >>> 9] & bit) !== 0) continue;
      marks[root >>> 9] |= bit;
      marked++;
      stack[count++] = root;
    }
    while (count > 0) {
      const base = stack[--count] >>> 2;
      for (let k = 0; k < 2; k++) {
        const child = heap[base + k];
        if (child === 0) continue;
        const word = child >>> 9;
        const bit = 1 << ((child >>> 4) & 31);
        if ((marks[word] & bit) !== 0) continue;
        marks[word] |= bit;
        marked++;
        stack[count++] = child;
      }
    }
    return marked;
  }
}

/** Objects are numbered from 1 in the order of allocation; addr(0) is nil. Returns the roots. */
function buildShape(heap, shape, n) {
  const random = xorshift();
  const addr = (i) => i * nodeBytes;
  const set = (i, field, to) => {
    heap[(addr(i) >>> 2) + field] = addr(to);
  };
  const everyNode = Int32Array.from({ length: n }, (_, i) => addr(i + 1));
  let last = 0;
  const bottomUp = (depth) => {
    const left = depth === 0 ? 0 : bottomUp(depth - 1);
    const right = depth === 0 ? 0 : bottomUp(depth - 1);
    last++;
    set(last, 0, left);
    set(last, 1, right);
    return last;
  };
  const shapes = {
    list() {
      for (let i = 2; i <= n; i++) set(i, 0, i - 1);
      return [addr(n)];
    },
    tree: () => [addr(bottomUp(treeDepth(n)))],
    wide: () => everyNode,
    graph() {
      for (let i = 1; i <= n; i++) {
        set(i, 0, 1 + (random() % n));
        set(i, 1, 1 + (random() % n));
      }
      return everyNode;
    },
    rlist() {
      const order = Int32Array.from({ length: n }, (_, i) => i + 1);
      for (let i = n - 1; i > 0; i--) {
        const j = random() % (i + 1);
        [order[i], order[j]] = [order[j], order[i]];
      }
      for (let i = 0; i + 1 < n; i++) set(order[i], 0, order[i + 1]);
      return [addr(order[0])];
    },
  };
  return shapes[shape]();
}

function mark(shape, wanted) {
  const count = shape === 'tree' ? 2 ** (treeDepth(wanted) + 1) - 1 : wanted;
  const floor = new MarkFloor(count);
  const roots = buildShape(floor.heap, shape, count);
  for (let i = -2; i < 5; i++) {
    floor.marks.fill(0);
    const start = performance.now();
    const marked = floor.mark(roots);
    if (marked !== count) throw new Error(`floor: marked ${marked} of ${count}`);
    if (i >= 0) emit('mark', performance.now() - start, count);
  }
}

function alloc(size, count) {
  const heapBytes = 4 << 20;
  const heap = new Float64Array(heapBytes / 8);
  const free = new Int32Array(Math.max(heapBytes / size / 32, 1)).fill(-1);
  const words = size / 8;
  const last = new Int32Array(1); // a store that the compiler cannot drop
  const loop = (n) => {
    let word = 0;
    let bits = free[word];
    for (let i = 0; i < n; i++) {
      if (bits === 0) {
        if (++word === free.length) word = 0;
        bits = free[word]; // by the time the cursor comes back, everything there is dead
      }
      const first = (word * 32 + 31 - Math.clz32(bits & -bits)) * words;
      bits &= bits - 1;
      if (words > 8) heap.fill(0, first, first + words);
      else for (let k = first; k < first + words; k++) heap[k] = 0;
      last[0] = first;
    }
  };
  loop(count / 10);
  const start = performance.now();
  loop(count);
  emit('alloc', performance.now() - start, count);
}

function sweep(megabytes) {
  const spans = megabytes * 128;
  const wordsPerSpan = 32;
  const allocBits = new Int32Array(spans * wordsPerSpan);
  const markBits = new Int32Array(spans * wordsPerSpan);
  const live = new Int32Array(spans);
  const random = xorshift();
  for (let i = -3; i < 10; i++) {
    for (let k = 0; k < markBits.length; k++) markBits[k] = random() & 0x55555555; // a slot of 16 B has every second bit
    const elapsed = stopwatch();
    for (let s = 0, k = 0; s < spans; s++) {
      let count = 0;
      for (const end = k + wordsPerSpan; k < end; k++) {
        const marked = markBits[k];
        allocBits[k] = marked;
        markBits[k] = 0;
        count += popcount(marked);
      }
      live[s] = count;
    }
    if (i >= 0) emit('floor', elapsed(), 1);
  }
}

function popcount(x) {
  const pairs = x - ((x >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

const [topic, first, second] = process.argv.slice(2);
if (topic === 'mark') mark(first, Number(second));
else if (topic === 'alloc') alloc(Number(first), Number(second));
else sweep(Number(first));
