// pages: page allocators in a given state, described as Go's tests do: for each chunk the runs [first page, pages] that are in
// use. Our chunks lie side by side in one arena; a chunk that a description leaves out is a hole in Go's address space, and
// here a chunk that is wholly in use: neither gives a page away.
import { chunkPages } from '../../heap/layout.ts';
import { PageAlloc } from '../../heap/mpagealloc.ts';
import { carved } from '../unit/internal/support.ts';

export type Run = readonly [first: number, pages: number];
/** Runs in use by chunk. */
export type Chunks = Readonly<Record<number, readonly Run[]>>;

/** Number of a page of a chunk. Go's PageBase. */
export const pageAt = (chunk: number, page: number) => chunk * chunkPages + page;

/** A page allocator in a state. Go's NewPageAlloc. */
export function pageAlloc(chunks: Chunks): PageAlloc {
  const pages = (Math.max(...Object.keys(chunks).map(Number)) + 1) * chunkPages;
  const p = carved((mem) => new PageAlloc(mem, pages)).tables;
  if (!p.grow(pages) || p.alloc(pages) !== 0) throw new Error('pageAlloc: an empty heap does not give all its pages');
  for (const [chunk, runs] of Object.entries(chunks)) {
    for (const [first, n] of complement(runs)) p.free(pageAt(Number(chunk), first), n);
  }
  return p;
}

/** The runs of a chunk that are not in `runs`, which are in ascending order. */
export function complement(runs: readonly Run[]): Run[] {
  const out: Run[] = [];
  let at = 0;
  for (const [first, n] of [...runs, [chunkPages, 0] as const]) {
    if (first > at) out.push([at, first - at]);
    at = first + n;
  }
  return out;
}

/** The runs in use of each chunk that `like` names; empty runs are left out and neighbours joined. */
export function chunksOf(p: PageAlloc, like: Chunks): Chunks {
  const out: Record<number, Run[]> = {};
  for (const chunk of Object.keys(like).map(Number)) {
    const runs: [number, number][] = [];
    for (let i = 0; i < chunkPages; i++) {
      if (!p.isInUse(pageAt(chunk, i))) continue;
      const last = runs.at(-1);
      if (last !== undefined && last[0] + last[1] === i) last[1]++;
      else runs.push([i, 1]);
    }
    out[chunk] = runs;
  }
  return out;
}

/** Releases the free pages of the given runs. */
export function releaseRuns(p: PageAlloc, chunks: Chunks): void {
  for (const [chunk, runs] of Object.entries(chunks)) {
    for (const [first, n] of runs) {
      for (let page = pageAt(Number(chunk), first); page < pageAt(Number(chunk), first + n); page++) {
        if (p.isInUse(page)) continue;
        p['scavenged'][(page >>> 5) as never] |= 1 << (page & 31);
        p.released++;
      }
    }
  }
}
