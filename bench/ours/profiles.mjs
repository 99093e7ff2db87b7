// The files that come out of a run, on the built bundle: profiles of 10,000 buckets of 16 frames (peers/go/prof.go has the same
// program), and a heap snapshot of a list of a million nodes.
import { gzipSync } from 'node:zlib';
import { emit, loadGorena, stopwatch } from '../lib/side.mjs';

const [job, size] = process.argv.slice(2);
const n = Number(size);
const { func, i32, Runtime, self, struct } = await loadGorena();
const rounds = 9;

/** n objects, each at a stack of its own: two functions that call each other as the bits of its number say, 14 deep. */
function buckets() {
  const Object64 = struct('main.object64', Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`w${i}`, i32])));
  const functions = ['main.forkA', 'main.forkB'].map((name) =>
    func(name, {}, (f, bits, depth) => {
      if (depth === 0) f.new(Object64);
      else functions[bits & 1](f, bits >> 1, depth - 1);
    }),
  );
  const rt = new Runtime({ memProfileRate: 1, heapBytes: 64 << 20 });
  rt.run(function* main(go) {
    for (let repeat = 0; repeat < 3; repeat++) for (let i = 0; i < n; i++) functions[0](go, i, 14);
    yield* go.gc();
    yield* go.gc();
  });
  for (let round = 0; round < rounds; round++) {
    const time = (name, make) => {
      const watch = stopwatch();
      const { length } = make();
      emit(name, watch(), 1, { bytes: length });
    };
    time('profile.pb.gz', () => gzipSync(rt.profile('heap').proto(), { level: 1 }));
    if (round % 3 === 0) time('profile-text', () => rt.profile('heap').text());
  }
}

/** A list of n nodes of two pointers and a number, some of which lead elsewhere. */
function snapshot() {
  const Node = struct('main.Node', { next: self, other: self, value: i32 });
  const rt = new Runtime({ memProfileRate: 512 << 10, heapBytes: 256 << 20, gogc: 'off' });
  rt.run(function* main(go) {
    const f = go.locals({ list: Node, n: Node });
    for (let i = 0; i < n; i++) {
      f.n = go.new(Node);
      f.n.next = f.list;
      f.n.other = i % 3 === 0 ? null : f.list;
      f.list = f.n;
    }
    for (let round = 0; round < rounds; round++) {
      const watch = stopwatch();
      let bytes = 0;
      let longest = 0;
      for (const chunk of rt.heapSnapshot()) {
        bytes += chunk.length;
        longest = Math.max(longest, chunk.length);
      }
      const ms = watch();
      emit('heapsnapshot', ms, n, { mbPerSecond: bytes / ms / 1000, bytes, longest });
    }
    yield* go.gosched();
  });
}

if (job === 'buckets') buckets();
else snapshot();
