// What blocks besides channels: select and mutexes, against native Go with GOMAXPROCS=1 and Go compiled to WebAssembly.

import { nsOf, peerName } from '../lib/rows.mjs';
import { go, goWasm, ours } from '../lib/sides.mjs';

/**
 * Name in ours/blocking.mjs and peers/go/sched.go, its count when --quick, what one operation is, and the ratio to native Go. A name
 * that ends in -now is the same program, which asks first (lockNow): Go's is the one without.
 */
const programs = [
  ['select4', 100_000, 'a message that a select over four channels receives', 0.6],
  ['mutex10', 5_000, 'a section that ten goroutines want at once, left and entered with a yield inside', 0.6],
  ['mutex', 1_000_000, 'locking and unlocking a mutex that nobody else wants', 1],
  ['mutex-now', 1_000_000, 'the same, with yield* for what waits only', 1],
];

export default programs.map(([name, quickCount, what, ratio]) => {
  const program = ({ quick }) => ['sched', peerName(name), quick ? quickCount : 0];
  return {
    name,
    unit: 'ns',
    what,
    ours: ours('blocking.mjs', ({ quick }) => [name, quick ? quickCount : 0]),
    peers: [go(program), goWasm(program)],
    targets: [{ peer: 'go', atMost: ratio }],
    parse: (run) => nsOf(name)(run) ?? nsOf(peerName(name))(run),
  };
});
