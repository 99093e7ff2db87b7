// What a scheme has published, bucket by bucket, read without the rules of MemProfile: no folding when nothing was published
// yet, no order, no omissions but buckets in which nothing is in use. Made to be compared with an oracle's truth.
import type { Live } from '../../gc/oracle.ts';
import { Bucket, BucketKind } from '../../profiler/bucket.ts';
import { type SchemeName, Stage } from '../../profiler/schemes.ts';
import type { Addr } from '../../runtime/internal/memory.ts';
import type { Machine } from '../../runtime/machine.ts';

/** In use by bucket address. A negative figure (seed) is in it as well; buckets with neither objects nor bytes are not. */
export function published(m: Machine, scheme: SchemeName): Map<Addr, Live> {
  const { profiler } = m;
  const index = profiler.schemes.findIndex((s) => s.name === scheme);
  if (index < 0) throw new Error(`published: nobody watches with ${scheme}`);
  const base = profiler['bases'][index]!;
  const out = new Map<Addr, Live>();
  const { w } = m.heap;
  const { f64, buckets } = profiler;
  for (let b = buckets.first(BucketKind.mem); b !== 0; b = w[(b >>> 2) + Bucket.allNext]!) {
    const r = buckets.counters(b) + base;
    const live = { objects: f64[r + Stage.allocs]! - f64[r + Stage.frees]!, bytes: f64[r + Stage.allocBytes]! - f64[r + Stage.freeBytes]! };
    if (live.objects !== 0 || live.bytes !== 0) out.set(b, live);
  }
  return out;
}
