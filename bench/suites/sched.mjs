// Goroutines and channels: the typed API, one P, the fair strategy, against native Go with GOMAXPROCS=1. What is measured is the price
// of a switch: nobody computes, and nothing is allocated but goroutines and channels.

import { nsOf, peerName } from '../lib/rows.mjs';
import { go, goWasm, ours } from '../lib/sides.mjs';

/**
 * Name in ours/sched.mjs and peers/go/sched.go, its count when --quick, what one operation is, the ratio to native Go, and a count other
 * than the programs' own. A name that ends in -now is the same program, which asks first (sendNow, recvNow): Go's is the one without.
 */
const shared = [
  ['pingpong', 200_000, 'a switch between two goroutines over two unbuffered channels', 0.6],
  ['pingpong-now', 200_000, 'the same, with yield* for what waits only (sendNow, recvNow)', 0.6],
  ['buffered', 400_000, 'a message through a buffer of 128', 0.6],
  ['buffered-now', 400_000, 'the same, with yield* for what waits only', 0.6],
  ['gosched', 200_000, 'a switch of two goroutines that only yield', 0.8],
  ['gosched10k', 10, 'the same with 10,000 goroutines', 0.8],
  ['chain', 10, 'a hop of a value through 10,000 goroutines', 0.3],
  ['spawnbatch', 50_000, 'a goroutine that starts and ends, 100 at a time', 0.6, 4_000_000],
  ['spawn', 50_000, 'the same, all of them alive at once', null],
  ['sieve', 400, 'the prime sieve up to 4000 primes, as a whole', 0.5],
];

const own = (name, count, usual = 0, ...rest) => ours('sched.mjs', ({ quick }) => [name, quick ? count : usual, ...rest], ['--expose-gc']);

export default [
  ...shared.map(([name, quickCount, what, ratio, count = 0]) => {
    const program = ({ quick }) => ['sched', peerName(name), quick ? quickCount : count];
    return {
      name,
      unit: 'ns',
      what,
      ours: own(name, quickCount, count),
      peers: [go(program), goWasm(program)],
      targets: ratio === null ? [] : [{ peer: 'go', atMost: ratio }],
      parse: (run) => nsOf(name)(run) ?? nsOf(peerName(name))(run),
    };
  }),
  {
    name: 'deep',
    unit: 'ns',
    what: 'a switch 16 calls of blocking functions below the top, against one at the top',
    ours: own('deep', 200_000),
    peers: [{ ...own('gosched', 200_000), name: 'ours-top' }],
    targets: [{ peer: 'ours-top', atMost: 1.3 }],
    parse: (run) => nsOf(run.lines.some(({ b }) => b === 'deep') ? 'deep' : 'gosched')(run),
  },
  {
    name: 'gosched64-random',
    unit: 'ns',
    what: 'a switch among 64 ready goroutines in any order, drawn from the seed, against the fair order',
    ours: own('gosched64', 5000, 0, 'random'),
    peers: [{ ...own('gosched64', 5000), name: 'ours-fair' }],
    targets: [{ peer: 'ours-fair', atMost: 1.5 }],
    parse: nsOf('gosched64'),
  },
  {
    name: 'parked',
    unit: 'bytes',
    what: 'memory of a goroutine that waits on a channel, a million of them',
    ours: own('parked', 50_000),
    peers: [],
    targets: [{ atMost: 1024 }],
    parse: (run) => run.lines.find(({ b }) => b === 'parked')?.bytes ?? null,
  },
  {
    name: 'released',
    unit: 'bytes',
    what: 'what is left of them when they have ended: descriptors for the next ones, and pages that the process keeps',
    ours: own('parked', 50_000),
    peers: [],
    targets: [{ atMost: 1024 }],
    parse: (run) => run.lines.find(({ b }) => b === 'released')?.bytes ?? null,
  },
  {
    name: 'goroutineprofile',
    unit: 'ns',
    what: 'GoroutineProfile with a million parked goroutines, for each of them',
    ours: own('parked', 50_000),
    peers: [],
    targets: [],
    parse: nsOf('goroutineprofile'),
  },
];
