// tabwriter: lines up the cells of text, as Go's text/tabwriter does with a minimal width of 1, tabs 8 wide, padding 1 and tabs as
// the padding: what all profiles of debug=1 go through.
//
// A cell is text that ends in a tab; what follows the last tab of a line is no cell. A column is a run of consecutive lines that
// have a cell in one place: its width is that of its longest cell plus one, up to the next tab stop, and each of its cells is
// filled with tabs to that width. Columns nest: the second one of some lines lies within their first.

const tabWidth = 8;

/** Lines up whole lines of text, each with its newline. */
export function alignTabs(text: string): string {
  const lines = text.split('\n').map((line) => line.split('\t'));
  const widths = lines.map((): number[] => []);
  alignColumn(lines, widths, 0, 0, lines.length);
  return lines.map((cells, i) => cells.map((cell, k) => cell + padding(cell, widths[i]![k])).join('')).join('\n');
}

/** Finds the columns at place `column` of lines [from, to), and those within them. */
function alignColumn(lines: readonly string[][], widths: number[][], column: number, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const first = i;
    let longest = 0;
    for (; i < to && column < lines[i]!.length - 1; i++) longest = Math.max(longest, characters(lines[i]![column]!));
    if (i === first) continue; // no cell here
    for (let k = first; k < i; k++) widths[k]!.push(stop(longest + 1));
    alignColumn(lines, widths, column + 1, first, i);
  }
}

/** The next tab stop. */
function stop(width: number): number {
  return Math.ceil(width / tabWidth) * tabWidth;
}

function padding(cell: string, width: number | undefined): string {
  return width === undefined ? '' : '\t'.repeat(Math.ceil((width - characters(cell)) / tabWidth));
}

/** Characters, of which some are two units of a string. */
function characters(text: string): number {
  let n = text.length;
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xdc00) n--;
  return n;
}
