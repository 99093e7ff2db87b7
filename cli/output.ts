// output: how the command talks. Results on stdout, progress and errors on stderr; colour only where a person looks.
import { styleText } from 'node:util';
import { count } from '../runtime/internal/words.ts';

/** A column is right-aligned unless its head starts with '<'. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const left = head.map((h) => h.startsWith('<'));
  const names = head.map((h) => h.replace(/^</, ''));
  const width = names.map((n, i) => Math.max(n.length, ...rows.map((r) => r[i]!.length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((c, i) => (left[i] ? c.padEnd(width[i]!) : c.padStart(width[i]!)))
      .join('  ')
      .trimEnd();
  return [line(names), ...rows.map(line)].join('\n');
}

/** With its sign, 0 without. */
export function signed(n: number): string {
  return n > 0 ? `+${count(n)}` : count(n);
}

/** Whether stdout gets colour: a terminal, and neither NO_COLOR nor TERM=dumb; FORCE_COLOR insists. */
function colourful(): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0';
  return process.stdout.isTTY === true && TERM !== 'dumb';
}

/** Text in a colour, where there is colour. */
export function paint(colour: 'green' | 'red' | 'yellow' | 'bold', text: string): string {
  return colourful() ? styleText(colour, text, { validateStream: false }) : text;
}

/** A progress line on stderr: on a terminal from the second second on, rewritten in place; elsewhere a line each 5 s. */
export class Progress {
  private readonly started = Date.now();
  private last = this.started;
  private shown = false;

  show(text: () => string): void {
    const now = Date.now();
    const tty = process.stderr.isTTY === true;
    if (now - this.started < 1000 || now - this.last < (tty ? 100 : 5000)) return;
    this.last = now;
    this.shown = true;
    process.stderr.write(tty ? `\r\x1b[K${text()}` : `${text()}\n`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.shown && process.stderr.isTTY === true) process.stderr.write('\r\x1b[K');
  }
}
