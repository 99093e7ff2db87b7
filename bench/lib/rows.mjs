// Rows of results: what the rounds of a benchmark's sides come to, and whether a target was reached. No processes here: see harness.mjs.
//
// A target counts as reached ("ok") when every round reached it; the median alone would call a row good that is bad twice in five.

/**
 * The rows of one benchmark. `outcomeOf(side)` says what became of a side: {values}, one a round, or {skipped: reason} or {failed: reason}.
 * @returns rows {name, unit, ours, peer, peerValue, ratio, ratios, range, rounds, target, met, verdict, skipped, failed}: one for each peer, one
 * for each target that is a plain value, and one with no peer when there is neither. `range` is the lowest and the highest of the ratios,
 * or of our values in a row without a peer; `met` the number of rounds that reached the target; `skipped` and `failed` are lists of "side: reason".
 */
export function rowsOf(benchmark, outcomeOf, { rounds, quick }) {
  const skipped = [];
  const failed = [];
  const valuesOf = (side) => {
    const outcome = outcomeOf(side);
    if (outcome.skipped !== undefined) skipped.push(`${side.name}: ${outcome.skipped}`);
    if (outcome.failed !== undefined) failed.push(`${side.name}: ${outcome.failed}`);
    return outcome.values ?? null;
  };
  const ours = benchmark.ours === null ? null : valuesOf(benchmark.ours);
  const row = ({ peer = null, values = null, target = null }) => {
    const ratios = ours === null || values === null ? null : values.map((value, round) => ours[round] / value);
    const judged = peer === null ? ours : ratios;
    const met = target === null || judged === null || quick ? null : judged.filter((value) => reached(value, target)).length;
    return {
      name: benchmark.name,
      unit: benchmark.unit,
      ours: ours === null ? null : median(ours),
      peer,
      peerValue: values === null ? null : median(values),
      ratio: ratios === null ? null : median(ratios),
      ratios,
      range: judged === null ? null : [Math.min(...judged), Math.max(...judged)],
      rounds,
      target,
      met,
      verdict: verdictOf(target, judged, met, quick),
      skipped,
      failed,
    };
  };
  const rows = [];
  for (const { peer, values } of benchmark.peers.map((side) => ({ peer: side.name, values: valuesOf(side) }))) {
    if (values === null) continue;
    rows.push(row({ peer, values, target: benchmark.targets.find((goal) => goal.peer === peer) ?? null }));
  }
  for (const target of benchmark.targets) if (target.peer === undefined) rows.push(row({ target }));
  return rows.length === 0 ? [row({})] : rows;
}

function reached(value, { atMost = Infinity, atLeast = -Infinity }) {
  return value <= atMost && value >= atLeast;
}

/** 'ok' or 'over' where a target can be judged; quick runs are too small for that. */
function verdictOf(target, judged, met, quick) {
  if (target === null) return '';
  if (judged === null) return 'not measured';
  if (quick) return 'quick';
  return met === judged.length ? 'ok' : 'over';
}

/** The middle of the list, or the mean of its two middles. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

// ---- Parsers: (run, context) => value, or null when the run does not hold it. See child.mjs for a run. --------------------------

/** Median of a field of the lines called `b`, as it is. */
export function medianOf(b, field) {
  return (run) => {
    const values = run.lines.filter((line) => line.b === b).map((line) => line[field]);
    return values.length === 0 ? null : median(values);
  };
}

/**
 * Median of the "ns" of the lines called `b`, times the share of a core that the process got. The programs it is meant for never
 * wait, so the share takes out what other users of the machine took; more than one busy thread counts as a full share.
 */
export function nsOf(b) {
  const ns = medianOf(b, 'ns');
  return (run) => {
    const value = ns(run);
    return value === null ? null : value * run.share;
  };
}

/** Peak resident set in MB (10^6 bytes). */
export function peakMB(run) {
  return run.peakBytes === null ? null : run.peakBytes / 1e6;
}

/** Wall time of the whole process in seconds, as it was. */
export function wallSeconds(run) {
  return run.wallMs / 1000;
}

/** The peer's name of a benchmark of ours: -now is the same program on a road of our own. */
export const peerName = (name) => name.replace(/-now$/, '');
