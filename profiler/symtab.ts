// symtab: names for pcs. A pc here is a number that stands for one place in a program: function, file and line. Functions
// and call sites are registered once, when they are defined; stacks carry only pcs.
//
// pcs are spaced like code addresses (from 0x401000 on, 16 apart), so that they read as such in Go's text formats.

/** What a pc means. */
export interface Frame {
  readonly func: string;
  readonly file: string;
  readonly line: number;
}

/** What the formats of profiles ask of pcs. */
export interface Symbols {
  /** The place of a pc of a stack. */
  frame(pc: number): Frame;
  /** Where the function of a pc begins; 0 for an unknown pc. */
  entry(pc: number): number;
}

/**
 * The pc at which a frame of a stack stands: a stack has return pcs, and the call is before them. The first pc of a function can
 * be no return. Source: (*Frames).Next of symtab.go.
 */
export function callPC(symbols: Symbols, pc: number): number {
  return pc > symbols.entry(pc) ? pc - 1 : pc;
}

/** Whether a pc of a stack is a frame in files and texts: unknown pcs and runtime.goexit, which ends every stack of Go's, are none. */
export function isShown(symbols: Symbols, pc: number): boolean {
  return symbols.entry(pc) !== 0 && symbols.frame(pc).func !== 'runtime.goexit';
}

const textStart = 0x401000;
const pcStep = 16;

/** The program's places. One per machine; strings live here and not in the arena. */
export class SymTab implements Symbols {
  private readonly frames: Frame[] = [];
  /** By place: the first pc of its function, which is the function's entry; the function's file tells namesakes apart. */
  private readonly entries: number[] = [];
  private readonly firstPcs = new Map<string, number>();
  private readonly pcs = new Map<string, number>();

  /** The pc of a place; the same place has the same pc. */
  pc(func: string, file: string, line: number): number {
    const key = `${func}\n${file}\n${line}`;
    let pc = this.pcs.get(key);
    if (pc === undefined) {
      pc = textStart + this.frames.length * pcStep;
      this.frames.push({ func, file, line });
      this.pcs.set(key, pc);
      const name = `${func}\n${file}`;
      const entry = this.firstPcs.get(name) ?? pc;
      if (entry === pc) this.firstPcs.set(name, pc);
      this.entries.push(entry);
    }
    return pc;
  }

  /** The place of a pc; an unknown pc reads as Go prints one. */
  frame(pc: number): Frame {
    return this.frames[(pc - textStart) / pcStep] ?? { func: 'unknown', file: '??', line: 0 };
  }

  entry(pc: number): number {
    return this.entries[(pc - textStart) / pcStep] ?? 0;
  }

  /** `function file:line` of a pc. */
  text(pc: number): string {
    const f = this.frame(pc);
    return `${f.func} ${f.file}:${f.line}`;
  }
}
