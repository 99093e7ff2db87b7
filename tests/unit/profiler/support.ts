// support: a profiler by itself, driven by hand, and its counters made readable.

import { Bucket, BucketKind } from '../../../profiler/bucket.ts';
import { MemProfiler } from '../../../profiler/mprof.ts';
import { type SchemeName, Stage, schemeStages } from '../../../profiler/schemes.ts';
import { Events } from '../../../runtime/internal/events.ts';
import type { Addr } from '../../../runtime/internal/memory.ts';
import { offHeap } from '../internal/support.ts';

/** A profiler that these schemes watch, and its memory. */
export function profilerOf(...schemes: SchemeName[]) {
  const { sys, arena, order } = offHeap(200);
  const events = new Events();
  return { profiler: new MemProfiler(arena, sys, order, events, schemes), sys, arena, order, events };
}

/** Allocs and frees (objects) of every stage of a bucket under one scheme; stage 0 is the published one. */
export function stages(p: MemProfiler, b: Addr, scheme: number): [allocs: number, frees: number][] {
  const { name } = p.schemes[scheme]!;
  const first = record(p, b, scheme);
  return Array.from({ length: schemeStages[name] }, (_, k) => {
    const stage = first + k * Stage.doubles;
    return [p.f64[stage + Stage.allocs]!, p.f64[stage + Stage.frees]!];
  });
}

/** Index in f64 of the published counters of a bucket under one scheme. */
export function record(p: MemProfiler, b: Addr, scheme: number): number {
  return p.buckets.counters(b) + p['bases'][scheme]!;
}

/** Objects in use that a scheme has published for a bucket, without the rules of MemProfile. */
export function inUse(p: MemProfiler, b: Addr, scheme: number): number {
  const [[allocs, frees]] = stages(p, b, scheme) as [[number, number]];
  return allocs - frees;
}

/** The scheme of that name, as an index. */
export function indexOf(p: MemProfiler, name: SchemeName): number {
  return p.schemes.findIndex((s) => s.name === name);
}

/** Buckets of a kind, newest first. */
export function bucketList(p: MemProfiler, kind = BucketKind.mem): Addr[] {
  const out: Addr[] = [];
  for (let b = p.buckets.first(kind); b !== 0; b = p['w'][(b >>> 2) + Bucket.allNext]!) out.push(b);
  return out;
}
