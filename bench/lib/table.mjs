// Text tables: columns as wide as their widest cell; numbers to the right, words to the left.

/** A table with a head. `columns` is a list of {head, right}; `rows` a list of lists of strings. */
export function table(columns, rows) {
  const widths = columns.map(({ head }, c) => Math.max(head.length, ...rows.map((row) => row[c].length)));
  const line = (cells) =>
    cells
      .map((cell, c) => (columns[c].right ? cell.padStart(widths[c]) : cell.padEnd(widths[c])))
      .join('  ')
      .trimEnd();
  return [line(columns.map(({ head }) => head)), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** A number with three figures, or a dash; with four from 1 to 1.2, where targets are a matter of percents. */
export function figure(value) {
  if (value === null) return '-';
  if (value >= 1 && value < 1.2) return value.toFixed(3);
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** The lowest and the highest of a row's rounds; nothing after a single one. */
export function rangeText({ range, rounds }) {
  return range === null || rounds === 1 ? '' : range.map(figure).join(' to ');
}

/** Progress on stderr: one line that is overwritten on a terminal, lines otherwise. */
export function progress(text) {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
}

/** Clears the progress line. */
export function progressDone() {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}
