// The identities of MemStats: between which figures a program of any kind, at any time, must find the same sums.
import { expect } from 'vitest';
import type { MemStats } from '../../runtime/memstats.ts';

/** What holds of any statistics at any time. Source: TestMemStats of malloc_test.go. */
export function identities(st: MemStats): void {
  expect(st.sys).toBe(st.heapSys + st.stackSys + st.mspanSys + st.mcacheSys + st.buckHashSys + st.gcSys + st.otherSys);
  expect(st.heapIdle + st.heapInuse).toBe(st.heapSys);
  expect(st.heapReleased).toBeLessThanOrEqual(st.heapIdle);
  expect(st.alloc).toBe(st.heapAlloc);
  expect(st.alloc).toBeLessThanOrEqual(st.heapInuse);
  expect(st.heapObjects).toBe(st.mallocs - st.frees);
  expect(st.mspanInuse).toBeLessThanOrEqual(st.mspanSys);
  expect(st.mcacheInuse).toBeLessThanOrEqual(st.mcacheSys);
  expect(st.lastGC).toBe(st.pauseEnd[(st.numGC + 255) % 256]);
  expect(st.numForcedGC).toBeLessThanOrEqual(st.numGC);
  expect([st.lookups, st.enableGC, st.debugGC]).toEqual([0, true, false]);
  expect([st.pauseNs.length, st.pauseEnd.length, st.bySize.length]).toEqual([256, 256, 61]);
  if (st.numGC >= 256) return;
  expect(st.pauseNs.reduce((a, b) => a + b)).toBe(st.pauseTotalNs);
  expect(st.pauseNs.slice(st.numGC).every((ns) => ns === 0) && st.pauseEnd.slice(st.numGC).every((ns) => ns === 0)).toBe(true);
  for (const [name, value] of Object.entries(st)) if (typeof value === 'number') expect(value, name).toBeGreaterThanOrEqual(0);
}
