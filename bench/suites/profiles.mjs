// The files that a run leaves: how long it takes to write a memory profile, and how fast a heap snapshot comes.

import { medianOf } from '../lib/rows.mjs';
import { go, ours, v8 } from '../lib/sides.mjs';

const buckets = ({ quick }) => (quick ? 1000 : 10_000);
const objects = ({ quick }) => (quick ? 100_000 : 1_000_000);
const ourBuckets = ours('profiles.mjs', (context) => ['buckets', buckets(context)]);
const goBuckets = go(() => ['prof', 'encode', 1]);

export default [
  {
    name: 'profile-pb',
    group: 'profiles',
    unit: 'ms',
    what: 'profile.pb.gz of 10,000 buckets of 16 frames, from the buckets to the last byte',
    ours: ourBuckets,
    peers: [goBuckets],
    targets: [{ atMost: 25 }, { peer: 'go', atMost: 1 }],
    parse: medianOf('profile.pb.gz', 'ms'),
  },
  {
    name: 'profile-text',
    group: 'profiles',
    unit: 'ms',
    what: 'the same as text, debug=1',
    ours: ourBuckets,
    peers: [goBuckets],
    targets: [],
    parse: medianOf('profile-text', 'ms'),
  },
  {
    name: 'heap-snapshot',
    group: 'profiles',
    unit: 'MB/s',
    better: 'more',
    what: 'a .heapsnapshot of a list of a million objects of three fields, bytes of file by time',
    ours: ours('profiles.mjs', (context) => ['snapshot', objects(context)]),
    peers: [v8('heapsnapshot.mjs', (context) => [objects(context)])],
    targets: [{ atLeast: 100 }],
    parse: medianOf('heapsnapshot', 'mbPerSecond'),
  },
];
