// support: small logs written by hand, and a recorder that turns what the parser tells into readable lines.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LogHandler, LogParser, type LogStats, StackTable } from '../../../replay/logreader.ts';

/** A stack as the log prints it: `name file:line`, leaf first; a name that ends in "..." is printed as an inlined call. */
export function stack(...frames: string[]): string {
  return frames
    .map((frame) => {
      const [name, place] = frame.split(' ');
      return name.endsWith('...')
        ? `${name.slice(0, -3)}(...)\n\t${place}\n`
        : `${name}(0x1, {0x2?, 0x3})\n\t${place} +0x1d fp=0xc0 sp=0xb0 pc=0x40\n`;
    })
    .join('');
}

/** A tracealloc; without frames it gets main.main below the allocator. */
export function alloc(addr: string, size: string, ...frames: string[]): string {
  const all =
    frames.length > 0
      ? frames
      : ['runtime.mallocgc runtime/malloc.go:1131', 'runtime.newobject runtime/malloc.go:1202', 'main.main main.go:9'];
  return `tracealloc(${addr}, ${size}, main.T)\ngoroutine 1 [running]:\n${stack(...all)}\n`;
}

/** A tracefree. */
export function free(addr: string, size: string): string {
  return `tracefree(${addr}, ${size})\ngoroutine 0 [idle]:\n${stack('runtime.(*sweepLocked).sweep runtime/mgcsweep.go:607')}\n`;
}

/** A tracegc with two goroutines. */
export const gc =
  `tracegc()\n\ngoroutine 1 [running]:\n${stack('runtime.gcMarkDone runtime/mgc.go:918')}created by main.main\n\tmain.go:3 +0x25\n` +
  '\ngoroutine 2 [running]:\n\tgoroutine running on other thread; stack unavailable\nend tracegc\n\n';

/** Writes down what it is told; stacks by their frames. */
export class Recorder implements LogHandler {
  readonly events: string[] = [];
  private readonly stacks: StackTable | null;
  constructor(stacks: StackTable | null) {
    this.stacks = stacks;
  }
  alloc(addr: number, size: number, stackId: number, line: number): void {
    const { stacks } = this;
    const frames = stacks === null ? `stack ${stackId}` : [...stacks.stackFrames(stackId)].map((f) => stacks.frameText(f)).join(' < ');
    this.events.push(`${line} alloc ${addr.toString(16)} ${size} ${frames}`);
  }
  free(addr: number, size: number, line: number): void {
    this.events.push(`${line} free ${addr.toString(16)} ${size}`);
  }
  gc(line: number): void {
    this.events.push(`${line} gc`);
  }
  mark(kind: string, name: string, line: number): void {
    this.events.push(`${line} mark ${kind}${name && ` [${name}]`}`);
  }
}

/** Parses a log in chunks of `chunkBytes`; the events with stacks, and the statistics. */
export function parse(log: string | Uint8Array, chunkBytes = Number.POSITIVE_INFINITY, stacks: StackTable | null = new StackTable()) {
  const bytes = typeof log === 'string' ? Buffer.from(log) : log;
  const recorder = new Recorder(stacks);
  const parser = new LogParser(recorder, stacks);
  // One scratch for all chunks, overwritten each time: the parser must not keep what it was given.
  const scratch = new Uint8Array(Math.min(chunkBytes, bytes.length));
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const chunk = bytes.subarray(at, at + chunkBytes);
    scratch.set(chunk);
    parser.push(scratch.subarray(0, chunk.length));
    scratch.fill(0);
  }
  const stats: LogStats = parser.end();
  return { events: recorder.events, stats };
}

/** The message of the error that `act` throws; '' when it throws none. */
export async function messageOf(act: () => unknown): Promise<string> {
  try {
    await act();
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

/** A folder for one test file: write(name, data) gives the path. Call remove() at the end. */
export function scratchFolder(): { write(name: string, data: string | Uint8Array): string; path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'gorena-replay-'));
  return {
    path,
    write(name, data) {
      const file = join(path, name);
      writeFileSync(file, data);
      return file;
    },
    remove: () => rmSync(path, { recursive: true }),
  };
}
