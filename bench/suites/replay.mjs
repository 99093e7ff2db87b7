// Replay of a long log: what a user of `gorena replay` waits for. The log is made on demand (make-log.mjs). The peer is no competitor
// but the floor: unpacking the same file with node's streams and looking at nothing.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { peakMB, wallSeconds } from '../lib/rows.mjs';
import { buildDir, oursCommand, plainNode } from '../lib/sides.mjs';
import { findLogs, makeLog, recordedLogs } from '../make-log.mjs';

const sizeMB = ({ quick }) => (quick ? 6 : 60);
const logOf = (context) => join(buildDir, `replay-${sizeMB(context)}.log.gz`);

/** The side, once the log it reads is there. */
function withLog(side) {
  return {
    ...side,
    prepare: (context) => makeLog({ output: logOf(context), megabytes: sizeMB(context), from: recordedLogs }),
    available: (context) =>
      findLogs(recordedLogs).length === 0 ? 'no recorded logs in tests/fixtures/go-traces' : side.available(context),
  };
}

const ours = withLog(oursCommand((context) => ['replay', logOf(context)]));
const peers = [withLog(plainNode('gunzip', 'peers/js/gunzip.mjs', (context) => [logOf(context)]))];

function megabytesPerSecond(run, context) {
  const { bytes } = JSON.parse(readFileSync(`${logOf(context)}.json`, 'utf8'));
  return bytes / 1e6 / wallSeconds(run);
}

export default [
  {
    name: 'replay-speed',
    group: 'replay',
    unit: 'MB/s',
    better: 'more',
    what: 'gorena replay on a log of 60 MB unpacked: MB of log per second of the whole process',
    ours,
    peers,
    targets: [{ atLeast: 20 }],
    parse: megabytesPerSecond,
  },
  { name: 'replay-wall', group: 'replay', unit: 's', what: 'the same: wall time of the whole process', ours, peers, parse: wallSeconds },
  {
    name: 'replay-peak',
    group: 'replay',
    unit: 'MB',
    what: 'the same: peak resident set',
    ours,
    peers,
    targets: [{ atMost: 300 }],
    parse: peakMB,
  },
];
