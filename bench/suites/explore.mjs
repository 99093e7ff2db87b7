// Exploring schedules: small programs that are right, so that all schedules are run to their end. A schedule begins with a fresh machine
// and a fresh program. The random walk shows what a step costs; the portfolio is what a user gets.

import { medianOf, nsOf } from '../lib/rows.mjs';
import { ours } from '../lib/sides.mjs';

/** Name in ours/explore-programs.mjs, what it is, whether it has the two or three goroutines of which the targets speak. */
const programs = [
  ['locks', 'two goroutines, two locks', true],
  ['philosophers', 'three goroutines, three locks', true],
  ['buffer', 'three goroutines, a channel', true],
  ['reorder', 'twenty goroutines, two variables', false],
  ['closures', 'three goroutines whose functions are made in each schedule', false],
];

const own = (name, count, ...rest) => ours('explore.mjs', ({ quick }) => [name, quick ? 2000 : count, ...rest], ['--expose-gc']);

export default [
  ...programs.flatMap(([name, what, small]) => {
    const count = name === 'reorder' ? 100_000 : 400_000;
    const rows = [
      ['schedule', 'random', `${what}: a schedule of the random walk`, small ? [{ atMost: 6667 }] : []],
      ['step', 'random', `${what}: a step of it`, small ? [{ atMost: 500 }] : []],
      ['schedule', 'portfolio', `${what}: a schedule of the portfolio`, []],
    ];
    return rows.map(([b, strategy, text, targets]) => ({
      name: `explore-${name}-${strategy === 'random' ? b : strategy}`,
      group: `explore-${name}`,
      unit: 'ns',
      what: text,
      ours: own(name, count, strategy),
      peers: [],
      targets,
      parse: nsOf(b),
    }));
  }),
  {
    name: 'explore-growth',
    group: 'explore-locks',
    unit: 'MB',
    what: 'how much larger the process is after a million schedules',
    ours: own('locks', 1_000_000),
    peers: [],
    targets: [{ atMost: 20 }],
    parse: medianOf('growth', 'megabytes'),
  },
  {
    name: 'explore-threads',
    group: 'explore-locks',
    unit: 'ns',
    what: 'a schedule on two threads, against one; wall time',
    ours: own('locks', 3_000_000, 'random', '2'),
    peers: [{ ...own('locks', 3_000_000, 'random', '1'), name: 'ours-one' }],
    targets: [{ peer: 'ours-one', atMost: 0.59 }],
    parse: medianOf('schedule', 'ns'),
  },
];
