// TestGcPacer: the pacer alone, in Go's own simulation, with Go's own scenarios. No heap and no machine: each cycle is a few
// rates (bytes allocated and scanned per processor time, growth of the live heap), and the question is where the pacer settles.
//
// Two kinds of checks. Go's assertions, scenario by scenario: utilisation near 25 %, peak near the goal. And every number
// of every cycle against what Go 1.19 printed (tests/fixtures/gcpacer-go1.19.json): 1,100 cycles, to the byte.
// Source of the scenarios: mgcpacer_test.go.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { defaultHeapMinimum, goalUtilization, memoryLimitHeadroom, noLimit, Pacer, PIController } from '../../../gc/mgcpacer.ts';
import { Rand } from '../../../runtime/internal/rand.ts';

type CycleRow = [utilization: number, marked: number, trigger: number, peak: number, goal: number];
const go = JSON.parse(readFileSync('tests/fixtures/gcpacer-go1.19.json', 'utf8')) as {
  random: Record<string, number[]>;
  cycles: Record<string, CycleRow[]>;
};

const MiB = 1 << 20;
const initialHeap = 256 << 10;

// --- streams of numbers: one a cycle -----------------------------------------------------------------------------------------

type Stream = (cycle: number) => number;
const constant =
  (c: number): Stream =>
  () =>
    c;
const ramp =
  (height: number, length: number): Stream =>
  (i) =>
    (height * Math.min(i, length)) / length;
const unit =
  (amplitude: number): Stream =>
  (i) =>
    i === 0 ? amplitude : 0;
const oscillate =
  (amplitude: number, period: number): Stream =>
  (i) =>
    Math.sin(((i % period) / period) * 2 * Math.PI) * amplitude;
const delay =
  (f: Stream, cycles: number): Stream =>
  (i) =>
    i < cycles ? 0 : f(i - cycles);
const sum =
  (...fs: Stream[]): Stream =>
  (i) =>
    fs.reduce((total, f) => total + f(i), 0);
/** The numbers that Go's generator gave for an amplitude and a seed. */
const random =
  (amplitude: number, seed: number): Stream =>
  (i) =>
    go.random[`${amplitude} ${seed}`]![i]!;

// --- the simulation ------------------------------------------------------------------------------------------------------------

interface Scenario {
  name: string;
  gcPercent?: number;
  memoryLimit?: number;
  globalsBytes?: number;
  /** KiB per processor and millisecond. */
  allocRate: Stream;
  scanRate?: Stream;
  /** Live heap of a cycle over that of the one before. */
  growthRate: Stream;
  scannableFrac?: Stream;
  stackBytes?: Stream;
  length: number;
  check: (c: Cycle[], n: number) => void;
}

interface Cycle {
  utilization: number;
  marked: number;
  trigger: number;
  peak: number;
  goal: number;
}

const nCores = 8;
const revisePeriod = 500_000; // ns
const rateConv = 1024 * (revisePeriod / 1_000_000);

/** Takes `work` bytes out of what is left of globals, stacks and heap, in this order; returns what each gave. */
function take(left: number[], work: number): number[] {
  return left.map((n, i) => {
    const part = Math.min(n, work);
    left[i] = n - part;
    work -= part;
    return part;
  });
}

function simulate(s: Scenario): Cycle[] {
  const heap = { heapLive: 0 };
  const c = new Pacer(s.gcPercent ?? 100, heap, undefined, s.memoryLimit ?? noLimit);
  const globals = s.globalsBytes ?? 32 << 10;
  const cycles: Cycle[] = [];
  let allocatedBlackLast = 0;
  for (let i = 0; i < s.length; i++) {
    const allocRate = Math.max(s.allocRate(i), 0.0001);
    const scanRate = (s.scanRate ?? constant(1024))(i);
    const frac = Math.min(Math.max((s.scannableFrac ?? constant(1))(i), 0), 1);
    const stack = Math.max(Math.floor((s.stackBytes ?? constant(8192))(i) / 2048) * 2048, 0);

    const trigger = Math.max(c.trigger, c.heapMarked);
    c.maxStackScan = stack;
    c.globalsScan = globals;
    heap.heapLive = trigger;
    c.heapScan += Math.trunc((trigger - c.heapMarked) * frac);
    c.startCycle(0, nCores);

    const nextMarked = i === 0 ? initialHeap : Math.trunc((c.heapMarked - allocatedBlackLast) * Math.max(s.growthRate(i), 0.0001));
    const left = [globals, stack, Math.trunc(nextMarked * frac)];
    let duration = 0;
    let assistTime = 0;
    let allocatedBlack = 0;
    while (left.some((n) => n > 0)) {
      // Within a period the price is kept: scanned / allocated = assistRatio. That fixes the share of time for scanning,
      // which is never less than what the workers take.
      const demand = c.assistWorkPerByte * allocRate;
      const u = Math.max(demand / (demand + scanRate), goalUtilization);
      const scanned = Math.trunc(scanRate * rateConv * nCores * u);
      let allocated = Math.trunc(allocRate * rateConv * nCores * (1 - u));
      let elapsed = revisePeriod;
      const [globalsScanned, stackScanned, heapScanned] = take(left, scanned) as [number, number, number];
      const actual = globalsScanned + stackScanned + heapScanned;
      if (actual < scanned) {
        elapsed = Math.trunc((actual * revisePeriod) / (scanRate * rateConv * nCores * u)); // marking ends inside the period
        allocated = Math.trunc(((allocRate * rateConv * elapsed) / revisePeriod) * nCores * (1 - u));
      }
      heap.heapLive += allocated;
      c.heapScan += Math.trunc(allocated * frac);
      c.heapScanWork += heapScanned;
      c.stackScanWork += stackScanned;
      c.globalsScanWork += globalsScanned;
      c.revise();
      assistTime += Math.trunc(elapsed * nCores * (u - goalUtilization));
      duration += elapsed;
      allocatedBlack += allocated;
    }
    const utilization = assistTime / (duration * nCores) + goalUtilization;
    cycles.push({ utilization, marked: c.heapMarked, trigger: c.triggered, peak: heap.heapLive, goal: c.goal });
    expect(utilization).toBeLessThanOrEqual(1);
    s.check(cycles, cycles.length);
    c.assistTime = assistTime;
    c.endCycle(duration, nCores);
    c.resetLive(nextMarked + allocatedBlack);
    c.commit(false);
    allocatedBlackLast = allocatedBlack;
  }
  return cycles;
}

// --- Go's assertions -------------------------------------------------------------------------------------------------------------

function inRange(name: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max)) throw new Error(`${name} ${value} is not in [${min}, ${max}]`);
}
const goalRatio = (c: Cycle) => c.peak / c.goal;
const near = (c: Cycle[], n: number, want: number, eps: number) => inRange('utilisation', c[n - 1]!.utilization, want - eps, want + eps);
const settled = (c: Cycle[], n: number, eps = 0.005) => near(c, n, c[n - 2]!.utilization, eps);
const meetsGoal = (c: Cycle[], n: number, min = 0.95, max = 1.05) => inRange('goal ratio', goalRatio(c[n - 1]!), min, max);

/** At the goal utilisation, no longer moving, and at the goal, after 25 cycles. */
const steady = (c: Cycle[], n: number): void => {
  if (n < 25) return;
  near(c, n, goalUtilization, 0.005);
  settled(c, n);
  meetsGoal(c, n);
};
/** Settles within 25 cycles, and again within 25 after a step at the 50th. */
const settlesTwice = (c: Cycle[], n: number): void => {
  if (!((n >= 25 && n < 50) || n >= 75)) return;
  settled(c, n);
  meetsGoal(c, n);
};
const follows = (c: Cycle[], n: number): void => {
  if (n <= 12) return;
  meetsGoal(c, n);
  inRange('utilisation', c[n - 1]!.utilization, 0.25, 0.3);
};
const slowAlloc = (c: Cycle[], n: number): void => {
  if (n <= 25) return;
  near(c, n, goalUtilization, 0.005);
  settled(c, n, 0.05);
  near(c, n, c[11]!.utilization, 0.05);
};
const triggerRatio = (c: Cycle) => (c.trigger - c.marked) / (c.goal - c.marked);

const growth = sum(constant(2), ramp(-1, 12));
const atLimit = 512 * MiB - memoryLimitHeadroom;

const scenarios: Scenario[] = [
  { name: 'Steady', allocRate: constant(33), growthRate: growth, length: 50, check: steady },
  {
    name: 'SteadyBigStacks',
    allocRate: constant(132),
    growthRate: growth,
    stackBytes: sum(constant(2048), ramp(128 * MiB, 8)),
    length: 50,
    check: steady,
  },
  { name: 'SteadyBigGlobals', globalsBytes: 128 * MiB, allocRate: constant(132), growthRate: growth, length: 50, check: steady },
  {
    name: 'StepAlloc',
    allocRate: sum(constant(33), delay(ramp(66, 1), 50)),
    growthRate: growth,
    length: 100,
    check: settlesTwice,
  },
  {
    name: 'HeavyStepAlloc',
    allocRate: sum(constant(33), delay(ramp(330, 1), 50)),
    growthRate: growth,
    length: 100,
    check: settlesTwice,
  },
  {
    name: 'StepScannableFrac',
    allocRate: constant(128),
    growthRate: growth,
    scannableFrac: sum(constant(0.2), delay(unit(0.5), 50)),
    length: 100,
    check: settlesTwice,
  },
  {
    // The live heap grows 15-fold in the 26th cycle: the price must stay flat, and the overshoot within the next goal.
    name: 'HighGOGC',
    gcPercent: 1500,
    allocRate: sum(random(7, 0x53), constant(165)),
    growthRate: sum(constant(2), ramp(-1, 12), random(0.01, 0x1), delay(unit(14), 25)),
    length: 50,
    check: (c, n) => {
      if (n <= 12) return;
      meetsGoal(c, n, 0.9, n === 26 ? 15 : 1.05);
      near(c, n, goalUtilization, goalUtilization + 0.03);
      settled(c, n, 0.03);
    },
  },
  { name: 'OscAlloc', allocRate: sum(oscillate(13, 8), constant(67)), growthRate: growth, length: 50, check: follows },
  {
    name: 'JitterAlloc',
    allocRate: sum(random(13, 0xf), constant(132)),
    growthRate: sum(constant(2), ramp(-1, 12), random(0.01, 0xe)),
    length: 50,
    check: follows,
  },
  {
    name: 'HeavyJitterAlloc',
    allocRate: sum(random(33, 0), constant(330)),
    growthRate: sum(constant(2), ramp(-1, 12), random(0.01, 0x152)),
    length: 50,
    check: (c, n) => {
      if (n <= 13) return;
      meetsGoal(c, n);
      settled(c, n, 0.05);
      near(c, n, c[11]!.utilization, 0.05);
    },
  },
  {
    name: 'SmallHeapSlowAlloc',
    allocRate: constant(1),
    scanRate: constant(2048),
    growthRate: sum(constant(2), ramp(-1, 3)),
    scannableFrac: constant(0.01),
    length: 50,
    check: (c, n) => {
      if (n > 4) meetsGoal(c, n, 0.925, 1.025);
      if (n > 4) inRange('trigger ratio', triggerRatio(c[n - 1]!), 0.925, 0.975);
      slowAlloc(c, n);
    },
  },
  {
    name: 'MediumHeapSlowAlloc',
    allocRate: constant(1),
    scanRate: constant(2048),
    growthRate: sum(constant(2), ramp(-1, 8)),
    scannableFrac: constant(0.01),
    length: 50,
    check: (c, n) => {
      if (n > 9) meetsGoal(c, n, 0.925, 1.025);
      if (n > 9) inRange('trigger ratio', triggerRatio(c[n - 1]!), 0.925, 0.975);
      slowAlloc(c, n);
    },
  },
  {
    name: 'LargeHeapSlowAlloc',
    allocRate: constant(1),
    scanRate: constant(2048),
    growthRate: sum(constant(4), ramp(-3, 12)),
    scannableFrac: constant(0.01),
    length: 50,
    check: (c, n) => {
      if (n > 13) meetsGoal(c, n);
      if (n > 13) inRange('runway', c[n - 1]!.goal - c[n - 1]!.trigger, defaultHeapMinimum - (64 << 10), defaultHeapMinimum + (64 << 10));
      slowAlloc(c, n);
    },
  },
  {
    name: 'SteadyMemoryLimit',
    memoryLimit: 512 * MiB,
    allocRate: constant(33),
    growthRate: growth,
    length: 50,
    check: (c, n) => {
      inRange('peak', c[n - 1]!.peak, 0, atLimit - 1);
      steady(c, n);
    },
  },
  {
    name: 'SteadyMemoryLimitNoGCPercent',
    gcPercent: -1,
    memoryLimit: 512 * MiB,
    allocRate: constant(33),
    growthRate: growth,
    length: 50,
    check: (c, n) => {
      inRange('goal', c[n - 1]!.goal, atLimit, atLimit);
      steady(c, n);
    },
  },
  ...[100, -1].map(
    (gcPercent): Scenario => ({
      // More lives than the limit allows: the goal is as low as it can be, and everybody marks all the time.
      name: gcPercent < 0 ? 'ExceedMemoryLimitNoGCPercent' : 'ExceedMemoryLimit',
      gcPercent,
      memoryLimit: 512 * MiB,
      allocRate: constant(33),
      growthRate: sum(constant(3.5), ramp(-2.5, 12)),
      length: 50,
      check: (c, n) => {
        const { goal, marked } = c[n - 1]!;
        if (gcPercent < 0 && n < 10) inRange('goal', goal, atLimit, atLimit);
        if (n > 12) inRange('goal', goal, marked, marked);
        if (n < 25) return;
        near(c, n, 1, 0.005);
        settled(c, n);
      },
    }),
  ),
  ...[100, -1].map(
    (gcPercent): Scenario => ({
      name: gcPercent < 0 ? 'MaintainMemoryLimitNoGCPercent' : 'MaintainMemoryLimit',
      gcPercent,
      memoryLimit: 512 * MiB,
      allocRate: constant(33),
      growthRate: sum(constant(3), ramp(-2, 12)),
      length: 50,
      check: (c, n) => {
        if (gcPercent < 0 || n > 12) inRange('goal', c[n - 1]!.goal, atLimit, atLimit);
        steady(c, n);
      },
    }),
  ),
];

describe('TestGcPacer', () => {
  for (const scenario of scenarios) {
    test(scenario.name, () => {
      const rows = simulate(scenario).map((c): CycleRow => [Number((c.utilization * 100).toFixed(1)), c.marked, c.trigger, c.peak, c.goal]);
      expect(rows).toEqual(go.cycles[scenario.name]);
    });
  }

  test('every scenario of Go 1.19 is here', () => {
    expect(scenarios.map((s) => s.name).sort()).toEqual(Object.keys(go.cycles).sort());
  });
});

describe('FuzzPIController', () => {
  test('no input makes it return anything but a number in bounds, NaN and infinities included', () => {
    const rand = new Rand(800, 'pi');
    const bits = new DataView(new ArrayBuffer(8));
    const anything = (): number => {
      bits.setInt32(0, rand.next());
      bits.setInt32(4, rand.next());
      return bits.getFloat64(0);
    };
    let resets = 0;
    for (const parameters of [
      [0.3375, 3.2e6, 1e9, 0.001, 1000, 0.01],
      [0.9, 4, 1000, -1000, 1000, 0.84],
    ] as const) {
      const [kp, ti, tt, min, max, setpoint] = parameters;
      const p = new PIController(kp, ti, tt, min, max);
      for (let i = 0; i < 10_000; i++) {
        const next = p.next(anything(), setpoint, 1);
        if (next === null) resets++;
        else expect(next >= min && next <= max).toBe(true);
      }
    }
    expect(resets).toBeGreaterThan(0); // the guard was needed
  });
});
