// logparser: the bytes of a GODEBUG=allocfreetrace=1 log, one state for each line. See replay/logreader.ts for the format.
//
//   Outside --tracealloc(…)/tracefree(…)--> Header --goroutine N […]:--> Frame <--function / TAB place--> Place
//      ^                                                                   |  |
//      |<------------------------------- empty line ----------------------+  +-- created by … --> Origin
//      |<------------------------------- empty line ------------------------------------------------+
//   Outside --tracegc()--> InGC --end tracegc--> EndGC --empty line--> Outside
//
// An event is told when its empty line has been read, so an event that was told is complete. Everything outside an event that
// is neither an event nor a mark is skipped: programs print to standard error too. Inside an event only what Go prints there may
// stand; the same lines are refused whether stacks are kept or not, so what one pass accepts the next one accepts.
//
// Speed: the only loop over all bytes looks for the next newline; a line is then a pair of offsets into the chunk. Rejected:
// Buffer.indexOf for the newline (at 50 bytes a line the call costs more than the loop), and a search for "\n\n" that would
// skip whole stacks (lines could not be counted, nor a broken stack be noticed, in the pass that reads no stacks).

import type { StackTable } from './stacktable.ts';

/** What is told about a log, in the order of the log. `line` counts from 1 and is the line on which the event began. */
export interface LogHandler {
  /** `size` bytes (rounded up by Go's allocator) were allocated at `addr` by a stack; stackId 0 when the parser keeps no stacks. */
  alloc(addr: number, size: number, stackId: number, line: number): void;
  /** The sweeper freed the `size` bytes at `addr`. */
  free(addr: number, size: number, line: number): void;
  /** A mark termination: a whole `tracegc()` … `end tracegc` was read. */
  gc(line: number): void;
  /** A line `# kind` or `# kind name` of the program; the name is that of a snapshot, otherwise ''. */
  mark(kind: LogMark, name: string, line: number): void;
  /** How far the file is read, in bytes of the file (compressed, if it is). */
  progress?(bytesRead: number, bytesTotal: number): void;
}

/** The marks that the recorded programs print. */
export type LogMark = 'profile start' | 'profile end' | 'gc begin' | 'gc end' | 'snapshot begin' | 'snapshot end';

/** What a log was made of. */
export interface LogStats {
  /** Lines, the last one counted even without its newline. */
  lines: number;
  /** Bytes of text, after unpacking. */
  bytes: number;
  allocs: number;
  frees: number;
  gcs: number;
  marks: number;
  /** Lines outside events that were skipped because they are neither event nor mark; empty ones are not counted. */
  skipped: number;
}

/** A file that cannot be read or makes no sense. The message is one line: `FILE: line N: what was found, what was wanted`. */
export class LogError extends Error {
  override readonly name = 'LogError';
  constructor(
    /** The line, from 1; 0 when the fault is not on one line (no such file, an empty file), and the message then names none. */
    readonly line: number,
    fact: string,
    /** The file; '' for the log itself, whose name the parser does not know, and the message then names none. */
    readonly file = '',
  ) {
    super((file === '' ? '' : `${file}: `) + (line > 0 ? `line ${line}: ` : '') + fact);
  }
}

const enum State {
  Outside,
  Header,
  Frame,
  Place,
  Origin,
  InGC,
  EndGC,
}

const enum Byte {
  Tab = 9,
  Newline = 10,
  Space = 32,
  Hash = 35,
  Open = 40,
  Close = 41,
  Plus = 43,
  Comma = 44,
  Zero = 48,
  Equals = 61,
  OpenBracket = 91,
  f = 102,
  p = 112,
  t = 116,
  x = 120,
}

const maxLine = 1 << 20; // bytes; Go's own lines stay far below, and a line that is carried over must not become the whole log
const giveUpAfter = 1 << 20; // bytes without any event or mark: it is some other file, do not read all of it
const logLine = 'tracealloc(…), tracefree(…), tracegc() or a mark such as "# profile start"';
const notALog = `wanted ${logLine}: this is no log of GODEBUG=allocfreetrace=1`;

const allocPrefix = ascii('tracealloc(');
const freePrefix = ascii('tracefree(');
const gcLine = ascii('tracegc()');
const endGCLine = ascii('end tracegc');
const headerPrefix = ascii('goroutine ');
const createdPrefix = ascii('created by ');
const elidedLine = ascii('...additional frames elided...');
const runtimePrefix = ascii('runtime.');
const markLine = /^# (?:(profile start|profile end|gc begin|gc end)|(snapshot begin|snapshot end) (\S.*))$/;

/**
 * Reads a log from chunks of any size: push() them in order, then end(). Tells `handler` as it goes.
 * Errors: LogError from push and end; whatever the handler throws goes through. After an error the parser is of no use.
 */
export class LogParser {
  private readonly handler: LogHandler;
  private readonly stacks: StackTable | null;
  private readonly stats: LogStats = { lines: 0, bytes: 0, allocs: 0, frees: 0, gcs: 0, marks: 0, skipped: 0 };

  private state: State = State.Outside;
  private eventLine = 0; // line on which the event being read began
  private isAlloc = false; // the event being read is a tracealloc and not a tracefree
  private addr = 0;
  private size = 0;
  private keepFrames = false; // the event being read is a tracealloc, and stacks are kept
  private functionWord = 0; // of the function line whose place comes next

  private carry = new Uint8Array(4096); // the last, unfinished line of the chunks so far
  private carried = 0;
  private tooLong = false; // the unfinished line is longer than maxLine, outside an event, and is being skipped

  private firstText = ''; // the first line that is not empty, shortened, for the message when this is no log
  private firstTextLine = 0;

  constructor(handler: LogHandler, stacks: StackTable | null) {
    this.handler = handler;
    this.stacks = stacks;
  }

  /** Lines read so far. */
  get lines(): number {
    return this.stats.lines;
  }

  /** The next bytes of the log. Not kept: the caller may use the memory again. */
  push(chunk: Uint8Array): void {
    this.stats.bytes += chunk.byteLength;
    // A Buffer has another hidden class than a Uint8Array; one kind keeps the loops below monomorphic.
    this.readLines(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    if (this.stats.bytes > giveUpAfter && this.events === 0) throw this.noLog();
  }

  /** The log is over. Errors: a LogError when it ends inside an event, is empty or is no such log. */
  end(): LogStats {
    const { stats } = this;
    if (this.carried > 0 || this.tooLong) {
      if (this.state === State.Outside && !this.carriesCutEvent()) this.readCarried();
      else stats.lines++; // torn: not to be read
      if (this.state === State.Outside && this.carried > 0) {
        throw this.fail(`the log ends inside ${quote(this.carry, 0, this.carried)}; wanted a whole event (was the log cut?)`);
      }
    }
    if (this.state !== State.Outside) {
      const gc = this.state === State.InGC || this.state === State.EndGC;
      const event = gc ? 'tracegc' : this.isAlloc ? 'tracealloc' : 'tracefree';
      const rest = gc ? '"end tracegc" and an empty line' : 'the rest of its stack and an empty line';
      throw this.fail(`the log ends inside the ${event} of line ${this.eventLine}; wanted ${rest} (was the log cut?)`);
    }
    if (stats.bytes === 0) throw new LogError(0, `the log is empty; wanted ${logLine}`);
    if (this.events === 0) throw this.noLog();
    return stats;
  }

  // ---- Lines: bytes[start .. end) without the newline. ----

  private readLines(bytes: Uint8Array): void {
    const length = bytes.length;
    let start = 0;
    if (this.carried > 0 || this.tooLong) {
      const end = bytes.indexOf(Byte.Newline);
      this.carryOver(bytes, 0, end < 0 ? length : end);
      if (end < 0) return;
      this.readCarried();
      start = end + 1;
    }
    let end = start;
    for (;;) {
      while (end < length && bytes[end] !== Byte.Newline) end++;
      if (end >= length) break;
      this.readLine(bytes, start, end);
      start = ++end;
    }
    if (start < length) this.carryOver(bytes, start, length);
  }

  private readLine(bytes: Uint8Array, start: number, end: number): void {
    this.stats.lines++;
    switch (this.state) {
      case State.Place: // about half of all lines
        if (end === start || bytes[start] !== Byte.Tab)
          throw this.wanted(bytes, start, end, 'the place of the function before (TAB file:line)');
        if (this.keepFrames) this.stacks!.addFrame(this.functionWord, this.stacks!.word(bytes, start + 1, placeEnd(bytes, start + 1, end)));
        this.state = State.Frame;
        return;
      case State.Frame: // and the other half
        if (end === start) this.endEvent();
        else this.readFunction(bytes, start, end);
        return;
      case State.Header:
        if (!startsWith(bytes, start, end, headerPrefix)) throw this.wanted(bytes, start, end, 'goroutine N [state]:');
        this.state = State.Frame;
        return;
      case State.Origin:
        if (end === start) this.endEvent();
        else if (bytes[start] === Byte.t) this.refuseNewEvent(bytes, start, end);
        return;
      case State.InGC:
        if (equals(bytes, start, end, endGCLine)) this.state = State.EndGC;
        else if (end > start && bytes[start] === Byte.t) this.refuseNewEvent(bytes, start, end);
        return;
      case State.EndGC:
        if (end > start) throw this.wanted(bytes, start, end, 'an empty line after "end tracegc"');
        this.state = State.Outside;
        this.stats.gcs++;
        this.handler.gc(this.eventLine);
        return;
      case State.Outside:
        if (end > start) this.readOutside(bytes, start, end);
    }
  }

  /** A line of a stack that is neither empty nor a place: nearly always `function(arguments)`. */
  private readFunction(bytes: Uint8Array, start: number, end: number): void {
    if (bytes[end - 1] === Byte.Close && bytes[start] !== Byte.Tab) {
      if (bytes[start] === Byte.t) this.refuseNewEvent(bytes, start, end);
      if (this.keepFrames) {
        // Arguments are numbers, braces, dots and question marks; a name may hold "(*T)". So the last "(" opens the arguments.
        let open = end - 2;
        while (open > start && bytes[open] !== Byte.Open) open--;
        if (open <= start) throw this.wanted(bytes, start, end, 'function(arguments)');
        this.functionWord = this.stacks!.word(bytes, start, open);
      }
      this.state = State.Place;
      return;
    }
    if (startsWith(bytes, start, end, createdPrefix) || bytes[start] === Byte.OpenBracket) {
      this.state = State.Origin; // "created by X" and, with GODEBUG=tracebackancestors, "[originating from goroutine N]:"
      return;
    }
    if (equals(bytes, start, end, elidedLine)) return; // Go prints at most 100 frames
    throw this.wanted(bytes, start, end, 'function(arguments), "created by", or an empty line at the end of the stack');
  }

  private endEvent(): void {
    this.state = State.Outside;
    if (this.isAlloc) {
      this.stats.allocs++;
      this.handler.alloc(this.addr, this.size, this.keepFrames ? this.stacks!.endStack() : 0, this.eventLine);
    } else {
      this.stats.frees++;
      this.handler.free(this.addr, this.size, this.eventLine);
    }
  }

  private readOutside(bytes: Uint8Array, start: number, end: number): void {
    if (bytes[start] === Byte.t && this.beginEvent(bytes, start, end)) return;
    if (bytes[start] === Byte.Hash && this.readMark(bytes, start, end)) return;
    // Text that the program printed without a newline may stand before an event. Losing the event would falsify all that follows.
    for (let at = start + 1; at < end; at++) {
      if (bytes[at] !== Byte.t || startsWith(bytes, at - runtimePrefix.length, end, runtimePrefix)) continue; // a frame in a crash
      if (this.beginEvent(bytes, at, end)) return;
    }
    this.stats.skipped++;
    if (this.firstTextLine === 0) {
      this.firstTextLine = this.stats.lines;
      this.firstText = quote(bytes, start, end);
    }
  }

  /** Begins the event of the line bytes[start .. end), if it is one. */
  private beginEvent(bytes: Uint8Array, start: number, end: number): boolean {
    if (startsWith(bytes, start, end, allocPrefix)) this.readTraceLine(bytes, start, end, start + allocPrefix.length, true);
    else if (startsWith(bytes, start, end, freePrefix)) this.readTraceLine(bytes, start, end, start + freePrefix.length, false);
    else if (equals(bytes, start, end, gcLine)) this.state = State.InGC;
    else return false;
    this.eventLine = this.stats.lines;
    return true;
  }

  /** `tracealloc(ADDRESS, SIZE)`, `tracealloc(ADDRESS, SIZE, TYPE)` or `tracefree(ADDRESS, SIZE)`; `at` is behind the "(". */
  private readTraceLine(bytes: Uint8Array, start: number, end: number, at: number, isAlloc: boolean): void {
    const close = end - 1; // the ")" of the whole line; a type may hold others
    let comma = at;
    while (comma < end && bytes[comma] !== Byte.Comma) comma++;
    let sizeEnd = comma + 1;
    while (sizeEnd < close && bytes[sizeEnd] !== Byte.Comma) sizeEnd++;
    if (bytes[close] !== Byte.Close || comma >= close || bytes[comma + 1] !== Byte.Space || (!isAlloc && sizeEnd < close)) {
      throw this.wanted(bytes, start, end, isAlloc ? 'tracealloc(ADDRESS, SIZE) with or without ", TYPE"' : 'tracefree(ADDRESS, SIZE)');
    }
    this.addr = this.readHex(bytes, at, comma, 'address');
    this.size = this.readHex(bytes, comma + 2, sizeEnd, 'size');
    this.isAlloc = isAlloc;
    this.keepFrames = isAlloc && this.stacks !== null;
    this.state = State.Header;
  }

  /** The number `0x…` in bytes[from .. to): at most 53 bits, which a double holds exactly (addresses have 48). */
  private readHex(bytes: Uint8Array, from: number, to: number, what: string): number {
    let value = 0;
    let at = from + 2;
    if (bytes[from] === Byte.Zero && bytes[from + 1] === Byte.x) {
      for (; at < to; at++) {
        const digit = hexDigit(bytes[at]);
        if (digit < 0) break;
        value = value * 16 + digit;
      }
    }
    if (at !== to || to <= from + 2) {
      throw this.fail(`the ${what} is ${quote(bytes, from, to)}, wanted hex digits after 0x`);
    }
    if (value > Number.MAX_SAFE_INTEGER) throw this.fail(`the ${what} is ${quote(bytes, from, to)}, wanted at most 53 bits`);
    return value;
  }

  private readMark(bytes: Uint8Array, start: number, end: number): boolean {
    const found = markLine.exec(text(bytes, start, Math.min(end, start + 4096)));
    if (found === null) return false;
    this.stats.marks++;
    this.handler.mark((found[1] ?? found[2]) as LogMark, found[3] ?? '', this.stats.lines);
    return true;
  }

  // ---- The unfinished line at the end of a chunk. ----

  private carryOver(bytes: Uint8Array, start: number, end: number): void {
    if (this.tooLong) return;
    const length = this.carried + (end - start);
    if (length > maxLine) {
      if (this.state === State.Outside) {
        this.tooLong = true;
        return;
      }
      this.stats.lines++;
      throw this.fail(`a line of more than ${maxLine} bytes, wanted a stack for the event of line ${this.eventLine}`);
    }
    if (length > this.carry.length) {
      const longer = new Uint8Array(Math.max(length, this.carry.length * 2));
      longer.set(this.carry.subarray(0, this.carried));
      this.carry = longer;
    }
    this.carry.set(bytes.subarray(start, end), this.carried);
    this.carried = length;
  }

  private readCarried(): void {
    const length = this.carried;
    this.carried = 0;
    this.tooLong = false;
    this.readLine(this.carry, 0, length);
  }

  /** Whether the last line of the log, which lacks its newline, is the torn beginning of an event. */
  private carriesCutEvent(): boolean {
    if (this.carried < 5) return false; // "trac" may be anything
    for (const prefix of [allocPrefix, freePrefix, gcLine]) {
      const length = Math.min(prefix.length, this.carried);
      if (startsWith(this.carry, 0, this.carried, prefix.subarray(0, length))) return true;
    }
    return false;
  }

  // ---- Messages. ----

  private get events(): number {
    const { allocs, frees, gcs, marks } = this.stats;
    return allocs + frees + gcs + marks + (this.state === State.Outside ? 0 : 1);
  }

  private refuseNewEvent(bytes: Uint8Array, start: number, end: number): void {
    const gc = equals(bytes, start, end, gcLine);
    if (gc || startsWith(bytes, start, end, allocPrefix) || startsWith(bytes, start, end, freePrefix)) {
      throw this.wanted(bytes, start, end, `the end of the event that began on line ${this.eventLine}`);
    }
  }

  private wanted(bytes: Uint8Array, start: number, end: number, what: string): LogError {
    return this.fail(`found ${end === start ? 'an empty line' : quote(bytes, start, end)}, wanted ${what}`);
  }

  private fail(fact: string): LogError {
    return new LogError(this.stats.lines, fact);
  }

  private noLog(): LogError {
    const { lines } = this.stats;
    if (this.firstTextLine > 0) return new LogError(this.firstTextLine, `found ${this.firstText}, ${notALog}`);
    if (this.carried > 0) return new LogError(lines + 1, `found ${quote(this.carry, 0, this.carried)}, ${notALog}`);
    return new LogError(1, `found only empty lines, ${notALog}`);
  }
}

/** Where the place in bytes[at .. end) ends: before " +0x…" or " fp=…". A space alone may belong to the file's name. */
function placeEnd(bytes: Uint8Array, at: number, end: number): number {
  for (; at < end; at++) {
    if (bytes[at] !== Byte.Space) continue;
    if (bytes[at + 1] === Byte.Plus) break;
    if (bytes[at + 1] === Byte.f && bytes[at + 2] === Byte.p && bytes[at + 3] === Byte.Equals) break;
  }
  return at;
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48; // 0-9
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1; // a-f
}

function startsWith(bytes: Uint8Array, start: number, end: number, prefix: Uint8Array): boolean {
  if (start < 0 || end - start < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[start + i] !== prefix[i]) return false;
  return true;
}

function equals(bytes: Uint8Array, start: number, end: number, whole: Uint8Array): boolean {
  return end - start === whole.length && startsWith(bytes, start, end, whole);
}

/** The beginning of a line for a message: in quotes, on one line whatever is in it. */
function quote(bytes: Uint8Array, start: number, end: number): string {
  const most = 60;
  const words = JSON.stringify(text(bytes, start, Math.min(end, start + most)));
  return end - start > most ? words.replace(/"$/, '…"') : words;
}

function text(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}

function ascii(word: string): Uint8Array {
  return new Uint8Array(Buffer.from(word, 'latin1'));
}
