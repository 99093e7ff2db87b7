// Who marks in the background, and the limit on it. Source of the tests: mgcpacer_test.go, mgclimit_test.go.
import { describe, expect, test } from 'vitest';
import { CPULimiter, capacityPerProc, limiterUpdatePeriod } from '../../../gc/mgclimit.ts';
import { MarkWorkers, WorkerMode, workerTable } from '../../../gc/mgcworkers.ts';

describe('the worker table', () => {
  test("is Go's: a quarter of the Ps, fractions where whole ones miss it by more than 30 %", () => {
    const table = [1, 2, 3, 4, 5, 6, 7, 8].map((procs) => workerTable(procs));
    expect(table.map((t) => t.dedicated)).toEqual([0, 0, 0, 1, 1, 1, 2, 2]);
    expect(table.map((t) => Number(t.fractionalGoal.toFixed(4)))).toEqual([0.25, 0.25, 0.25, 0, 0, 0.0833, 0, 0]);
  });

  test('each dedicated worker is handed out once', () => {
    const w = new MarkWorkers();
    w.start(8, false);
    expect([w.takeDedicated(), w.takeDedicated(), w.takeDedicated()]).toEqual([true, true, false]);
  });

  test('a fractional worker starts up to its share and goes on until a fifth more', () => {
    const w = new MarkWorkers();
    w.start(1, false);
    expect([0, 250, 251].map((marked) => w.wantsFractional(marked, 1000))).toEqual([true, true, false]);
    expect([251, 300, 301].map((marked) => w.mayGoOn(marked, 1000))).toEqual([true, true, false]);
    w.start(4, false);
    expect(w.wantsFractional(0, 1000)).toBe(false);
  });

  test('time goes to the mode that took it', () => {
    const w = new MarkWorkers();
    w.start(6, false);
    w.charge(WorkerMode.dedicated, 5);
    w.charge(WorkerMode.fractional, 7);
    w.charge(WorkerMode.idle, 11);
    w.charge(WorkerMode.idle, 1);
    expect([w.dedicatedTime, w.fractionalTime, w.idleTime]).toEqual([5, 7, 12]);
    w.start(6, false);
    expect([w.dedicatedTime, w.fractionalTime, w.idleTime]).toEqual([0, 0, 0]);
  });

  test('a periodic cycle leaves idle Ps idle, unless nobody else is sure to mark', () => {
    const idle = (procs: number, periodic: boolean) => {
      const w = new MarkWorkers();
      w.start(procs, periodic);
      let n = 0;
      while (w.addIdle()) n++;
      return n;
    };
    expect([1, 4, 8].map((procs) => idle(procs, false))).toEqual([1, 3, 6]);
    expect([1, 3, 4, 8].map((procs) => idle(procs, true))).toEqual([1, 1, 0, 0]);
  });
});

test('TestIdleMarkWorkerCount', () => {
  const workers = 10;
  const c = new MarkWorkers();
  c.setMaxIdle(workers);
  for (let i = 0; i < workers; i++) {
    expect(c.needsIdle()).toBe(true);
    expect(c.addIdle()).toBe(true);
  }
  expect(c.needsIdle()).toBe(false);
  expect(c.addIdle()).toBe(false);
  for (let i = 0; i < workers; i++) {
    c.removeIdle();
    expect(c.needsIdle()).toBe(true);
  }
  for (let i = 0; i < workers - 1; i++) expect(c.addIdle()).toBe(true);
  for (let i = 0; i < 10; i++) {
    expect(c.addIdle()).toBe(true);
    expect(c.addIdle()).toBe(false);
    c.removeIdle();
  }
  c.setMaxIdle(0); // below the count: nobody is added, and those that run stop one by one
  expect([c.needsIdle(), c.addIdle()]).toEqual([false, false]);
  for (let i = 0; i < workers - 1; i++) c.removeIdle();
  expect([c.needsIdle(), c.addIdle()]).toEqual([false, false]);
  c.setMaxIdle(1);
  expect([c.needsIdle(), c.addIdle()]).toEqual([true, true]);
  c.removeIdle();
  expect(() => c.removeIdle()).toThrow('negative idle mark workers');
});

test('TestGCCPULimiter', () => {
  const procs = 14;
  const ms = 1e6;
  const us = 1e3;
  let ticks = 0;
  const advance = (nanos: number): number => (ticks += nanos);
  /** CPU time of assists that take a share of all Ps for so long. */
  const assists = (nanos: number, share: number): number => Math.trunc(share * nanos * procs);
  const l = new CPULimiter(0, procs);
  let overflowBefore = 0;
  const state = () => ({ fill: l.fill, limiting: l.limiting, overflow: l.overflow - overflowBefore });

  for (let round = 0; round < 2; round++) {
    expect(l.capacity).toBe(procs * capacityPerProc);
    expect(l.fill).toBe(0);
    for (const t of [10 * ms, 1000 * ms, 3600e9]) l.update(advance(t)); // the program alone: no credit builds up
    expect(l.fill).toBe(0);

    expect(l.needUpdate(advance(limiterUpdatePeriod / 2))).toBe(false);
    expect(l.needUpdate(advance(limiterUpdatePeriod))).toBe(true);
    l.update(ticks);
    expect(l.needUpdate(ticks)).toBe(false);

    l.startTransition(true, advance(109 * ms));
    expect(() => l.update(ticks)).toThrow('update during transition');
    l.finishTransition(advance(2 * ms + us)); // a stopped world is collection on every P
    expect(l.fill).toBe((2 * ms + us) * procs);

    // Marking without assists drains half as fast: a quarter goes in, three quarters come out.
    l.update(advance(Math.trunc((2 * (l.fill - procs)) / procs)));
    expect(l.fill).toBe(procs);
    l.update(advance(2 * procs * capacityPerProc));
    expect(l.fill).toBe(0);

    l.addAssistTime(assists(10 * ms, 0.25)); // one half in all: the level stays
    l.update(advance(10 * ms));
    expect(l.fill).toBe(0);
    l.addAssistTime(assists(ms, 0.75)); // everything
    l.update(advance(ms));
    expect(state()).toEqual({ fill: procs * ms, limiting: false, overflow: 0 });
    l.addAssistTime(assists(capacityPerProc - ms, 0.75)); // full, exactly
    l.update(advance(capacityPerProc - ms));
    expect(state()).toEqual({ fill: l.capacity, limiting: true, overflow: 0 });
    l.addAssistTime(assists(1000 * ms, 0.25)); // one half leaves the limit on
    l.update(advance(1000 * ms));
    expect(state()).toEqual({ fill: l.capacity, limiting: true, overflow: 0 });
    l.update(advance(capacityPerProc));
    expect(state()).toEqual({ fill: l.capacity / 2, limiting: false, overflow: 0 });

    let overflow = (capacityPerProc * procs) / 2;
    l.addAssistTime(assists(capacityPerProc, 0.75)); // overfull
    l.update(advance(capacityPerProc));
    expect(state()).toEqual({ fill: l.capacity, limiting: true, overflow });
    l.addAssistTime(assists(ms, 0.75)); // the cycle ends with assists nobody has counted yet
    l.startTransition(false, advance(ms));
    overflow += ms * procs;
    expect(state()).toEqual({ fill: l.capacity, limiting: true, overflow });
    l.finishTransition(advance(5 * ms));
    overflow += 5 * ms * procs;
    expect(state()).toEqual({ fill: l.capacity, limiting: true, overflow });

    const full = l.capacity;
    l.resetCapacity(ticks, procs + 10);
    expect(state()).toEqual({ fill: full, limiting: false, overflow });
    l.resetCapacity(ticks, procs - 10);
    expect(state()).toEqual({ fill: (procs - 10) * capacityPerProc, limiting: true, overflow });
    l.resetCapacity(advance(capacityPerProc * procs), procs);
    overflowBefore += overflow;
  }
});

describe('the limiter', () => {
  test('idle time counts for neither side', () => {
    const busy = new CPULimiter(0, 4);
    const idle = new CPULimiter(0, 4);
    for (const l of [busy, idle]) {
      l.startTransition(true, 0);
      l.finishTransition(0);
    }
    idle.addIdleTime(3e9); // three of four Ps had nothing to do
    busy.update(1e9);
    idle.update(1e9);
    expect([busy.fill, idle.fill]).toEqual([0, 1e9]); // 1 s of marking against 3 s, and against none
  });

  test('refuses a transition to where it is', () => {
    const l = new CPULimiter(0, 1);
    expect(() => l.startTransition(false, 1)).toThrow('transitioning GC to the same state as before?');
    expect(() => l.finishTransition(1)).toThrow('finishGCTransition called without starting one?');
  });
});
