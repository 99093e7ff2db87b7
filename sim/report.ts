// report: a failure as a person reads it, in at most 40 lines: what went wrong, a table with a column for each goroutine and a row
// for each step, who waits for whom, how to make it happen again, and how hard it was looked for.
//
//   DEADLOCK after 8 steps (shrunk 61→8 steps, 9→1 preemption; found by pct2 at schedule 37 of 2,000, 212 ms)
//   all goroutines are asleep - deadlock!
//
//   step  left            right           where
//      1  lock a                          bank.ts:12
//      2  ⟵ preempted     lock b          bank.ts:18
//      3                  lock a  waits   bank.ts:19
//   …
//
// What does not fit is left out from the middle of a goroutine's turns first, then from the middle of the table: the beginning,
// the preemptions and the end are what tells the story. It makes text of facts and knows nothing of how they were found.
import { count, plural } from '../runtime/internal/words.ts';

/** One step of a failing run. */
export interface ShownStep {
  /** Path of the goroutine; `clock` for a timer. */
  readonly g: string;
  /** Kind of operation, and what it was done to; '' for nothing. */
  readonly op: string;
  readonly object: string;
  /** file:line. */
  readonly site: string;
  /** Virtual nanoseconds. */
  readonly clock: number;
  /** The goroutine of the step before could have gone on. */
  readonly preempts: boolean;
  /** It could not be completed at once. */
  readonly waits: boolean;
}

/** A goroutine that cannot go on. */
export interface ShownWait {
  readonly g: string;
  /** `lock mu`, `recv q`. */
  readonly on: string;
  /** Path of who holds it; '' when nobody does or nobody knows. */
  readonly holder: string;
  readonly site: string;
}

/** Before and after shrinking. */
export interface Shrunk {
  readonly steps: readonly [from: number, to: number];
  readonly preemptions: readonly [from: number, to: number];
  readonly timers: readonly [from: number, to: number];
}

/** What a report says. */
export interface Report {
  /** `deadlock`, `assertion`, …. */
  readonly verdict: string;
  readonly message: string;
  readonly steps: readonly ShownStep[];
  readonly blocked: readonly ShownWait[];
  /** How it was found; null: it is a replay. */
  readonly found: { readonly strategy: string; readonly schedule: number; readonly of: number; readonly millis: number } | null;
  readonly shrunk: Shrunk | null;
  /** What to type to see it again, one line each. */
  readonly again: readonly string[];
  /** Facts about the search, one line. */
  readonly statistics: string;
}

/** How a report is laid out. */
export interface Layout {
  /** Columns of the terminal; default 100. */
  readonly width?: number;
  /** Most lines; default 40. */
  readonly lines?: number;
  /** Colour for a terminal; default none. */
  readonly paint?: (colour: 'red' | 'yellow' | 'bold' | 'dim', text: string) => string;
}

/** Most lines of the message and of the list of those who wait. */
const messageLines = 14;
const waitLines = 7;
/** Fewest rows that the table is cut to. */
const fewestRows = 6;

/** The report as text, without a line break at its end. */
export function reportText(report: Report, { width = 100, lines = 40, paint = (_, text) => text }: Layout = {}): string {
  const head = [paint('red', headline(report)), ...messageOf(report, width)];
  const tail = [
    ...waits(report.blocked, width, paint),
    ...report.again,
    ...(report.statistics === '' ? [] : [paint('dim', report.statistics)]),
  ];
  const room = Math.max(lines - head.length - tail.length - 3, fewestRows); // two blank lines, and the table's head
  const rows = table(report.steps, room, width, paint);
  return [...head, ...(rows.length === 0 ? [] : ['', ...rows]), '', ...tail].join('\n');
}

function headline({ verdict, steps, shrunk, found }: Report): string {
  const facts: string[] = [];
  if (shrunk !== null) {
    const change = ([from, to]: readonly [number, number], what: string) => `${count(from)}→${plural(to, what)}`;
    const timers = shrunk.timers[0] === 0 ? '' : `, ${change(shrunk.timers, 'timer')}`;
    facts.push(`shrunk ${change(shrunk.steps, 'step')}, ${change(shrunk.preemptions, 'preemption')}${timers}`);
  }
  if (found !== null) {
    facts.push(`found by ${found.strategy} at schedule ${count(found.schedule)} of ${count(found.of)}, ${Math.round(found.millis)} ms`);
  }
  const after = steps.length === 0 ? '' : ` after ${plural(steps.length, 'step')}`;
  return `${verdict.toUpperCase()}${after}${facts.length === 0 ? '' : ` (${facts.join('; ')})`}`;
}

function messageOf({ message }: Report, width: number): string[] {
  const lines = message.trimEnd().split('\n');
  if (message.trim() === '') return [];
  const shown = lines.slice(0, messageLines).map((line) => cut(line, width));
  return lines.length > messageLines ? [...shown.slice(0, -1), `… ${plural(lines.length - messageLines + 1, 'line')} more`] : shown;
}

// --- who waits -------------------------------------------------------------------------------------------------------------

function waits(blocked: readonly ShownWait[], width: number, paint: NonNullable<Layout['paint']>): string[] {
  if (blocked.length === 0) return [];
  const shown = blocked.length > waitLines ? blocked.slice(0, waitLines - 1) : blocked;
  const names = Math.max(...shown.map(({ g }) => g.length));
  const texts = shown.map(({ on, holder }) => `blocked in ${on}${holder === '' ? '' : `, held by ${holder}`}`);
  const wide = Math.max(...texts.map((t) => t.length));
  const rows = shown.map(({ g, site }, i) => cut(`  ${g.padEnd(names)}  ${texts[i]!.padEnd(wide)}  ${fileLine(site)}`.trimEnd(), width));
  if (shown.length < blocked.length) rows.push(`  … and ${plural(blocked.length - shown.length, 'more waits', 'more wait')}`);
  return [...rows.map((row) => paint('yellow', row)), ''];
}

// --- the table -------------------------------------------------------------------------------------------------------------

/** A row: a step, or steps that are left out. */
interface Row {
  readonly step: string;
  /** By column. */
  readonly cells: string[];
  readonly clock: string;
  readonly where: string;
}

function table(steps: readonly ShownStep[], room: number, width: number, paint: NonNullable<Layout['paint']>): string[] {
  if (steps.length === 0) return [];
  const columns = [...new Set(['main', ...steps.map(({ g }) => g)])].filter((path) => steps.some(({ g }) => g === path));
  const kept = keptSteps(steps, room);
  const narrow = columns.length > 1 && 6 + columns.length * 12 > width; // no room for a column each
  const heads = narrow ? ['goroutine', 'operation'] : shortNames(columns);
  const clocks = steps.some(({ clock }) => clock > 0);
  const rows: Row[] = [];
  kept.forEach((i, k) => {
    const skipped = i - (k === 0 ? 0 : kept[k - 1]! + 1);
    if (skipped > 0)
      rows.push({
        step: '⋮',
        cells: heads.map((_, c) => (c === 0 ? `… ${plural(skipped, 'step')}` : '')),
        clock: '',
        where: '',
      });
    const step = steps[i]!;
    const at = columns.indexOf(step.g);
    const text = operation(step);
    const before = i === 0 ? '' : lastGoroutine(steps, i);
    const cells = narrow ? [step.g, `${text}${step.preempts && before !== '' ? `  (preempts ${before})` : ''}`] : columns.map(() => '');
    if (!narrow) {
      cells[at] = text;
      const preempted = columns.indexOf(before);
      if (step.preempts && preempted >= 0 && preempted !== at) cells[preempted] = '⟵ preempted';
    }
    rows.push({ step: String(i + 1), cells, clock: clocks ? time(step.clock) : '', where: fileLine(step.site) });
  });
  return laidOut(heads, rows, width, paint);
}

/** The goroutine that ran before step i: timers do not count. */
function lastGoroutine(steps: readonly ShownStep[], i: number): string {
  for (let k = i - 1; k >= 0; k--) if (steps[k]!.g !== 'clock') return steps[k]!.g;
  return '';
}

function operation({ op, object, waits }: ShownStep): string {
  return `${op}${object === '' ? '' : ` ${object}`}${waits ? '  waits' : ''}`;
}

/** Which steps are shown in so many rows, in order; a gap takes a row as well. */
function keptSteps(steps: readonly ShownStep[], room: number): number[] {
  const n = steps.length;
  const all = steps.map((_, i) => i);
  if (n <= room) return all;
  // First choice: all but the middles of turns. A turn is what one goroutine does before another does anything.
  const ends = all.filter(
    (i) => i === 0 || i === n - 1 || steps[i]!.g !== steps[i - 1]!.g || steps[i]!.g !== steps[i + 1]!.g || steps[i]!.waits,
  );
  if (rowsOf(ends) <= room) return ends;
  // Else the beginning and the end, the end being the longer half.
  const first = Math.floor((room - 1) / 3);
  return all.filter((i) => i < first || i >= n - (room - 1 - first));
}

function rowsOf(kept: readonly number[]): number {
  return kept.reduce((rows, i, k) => rows + (i > (k === 0 ? 0 : kept[k - 1]! + 1) ? 2 : 1), 0);
}

function laidOut(heads: readonly string[], rows: readonly Row[], width: number, paint: NonNullable<Layout['paint']>): string[] {
  const stepWidth = Math.max(4, ...rows.map(({ step }) => step.length));
  const wants = heads.map((head, c) => Math.max(head.length, ...rows.map(({ cells }) => cells[c]!.length)));
  const clockWidth = Math.max(4, ...rows.map(({ clock }) => clock.length));
  const timed = rows.some(({ clock }) => clock !== '');
  const whereWidth = Math.max(5, ...rows.map(({ where }) => where.length)) + (timed ? clockWidth + 2 : 0);
  const full = wants.reduce((sum, w) => sum + w + 2, stepWidth + 2);
  const withWhere = full + whereWidth <= width;
  const widths = withWhere || full <= width ? wants : shared(wants, width - stepWidth - 2);
  const line = (step: string, cells: readonly string[], clock: string, where: string) => {
    const middle = cells.map((cell, c) => cut(cell, widths[c]!).padEnd(widths[c]!)).join('  ');
    const right = withWhere ? `${timed ? `  ${clock.padStart(clockWidth)}` : ''}  ${where}` : '';
    return `${step.padStart(stepWidth)}  ${middle}${right}`.trimEnd();
  };
  return [paint('bold', line('step', heads, 'time', 'where')), ...rows.map((r) => line(r.step, r.cells, r.clock, r.where))];
}

/** Widths that fit: wide columns give first. */
function shared(wants: readonly number[], room: number): number[] {
  const widths = [...wants];
  while (widths.reduce((sum, w) => sum + w + 2, 0) > room && Math.max(...widths) > 3) widths[widths.indexOf(Math.max(...widths))]!--;
  return widths;
}

/** The last names of paths; with those before them where two are the same. */
function shortNames(paths: readonly string[]): string[] {
  return paths.map((path) => {
    const names = path.split('/');
    for (let k = names.length - 1; k > 0; k--) {
      const short = names.slice(k).join('/');
      if (paths.every((other) => other === path || !(other === short || other.endsWith(`/${short}`)))) return short;
    }
    return path;
  });
}

// --- words -----------------------------------------------------------------------------------------------------------------

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(width - 1, 0))}…`;
}

/** Without the folders. */
function fileLine(site: string): string {
  return site.slice(Math.max(site.lastIndexOf('/'), site.lastIndexOf('\\')) + 1);
}

/** Virtual nanoseconds as Go prints a duration, shortened. */
export function time(nanos: number): string {
  if (nanos === 0) return '0';
  if (nanos >= 1e9) return `${+(nanos / 1e9).toFixed(3)}s`;
  if (nanos >= 1e6) return `${+(nanos / 1e6).toFixed(3)}ms`;
  return nanos >= 1e3 ? `${+(nanos / 1e3).toFixed(3)}µs` : `${nanos}ns`;
}
