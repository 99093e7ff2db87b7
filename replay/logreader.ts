// logreader: reads what a real Go program left on standard error under GODEBUG=allocfreetrace=1, without ever holding it.
//
// The text, as Go 1.19 prints it (mprof.go: tracealloc, tracefree, tracegc; traceback.go):
//
//   tracealloc(0xc000016010, 0x10, *runtime.p)          tracegc()
//   goroutine 1 [running]:
//   runtime.mallocgc(0x10, 0x4d7620, 0x1)               goroutine 2 [force gc (idle)]:
//   <TAB>runtime/malloc.go:1131 +0x7b1 fp=… sp=… pc=…      …  stacks of all goroutines, with empty lines between
//   main.main()                                         end tracegc
//   <TAB>main.go:9 +0x15 fp=… sp=… pc=…                    <empty line>
//   created by …
//   <TAB>…                                              # snapshot begin round0     (a mark: printed by the program)
//   <empty line>
//
// tracefree looks like tracealloc, without a type; its stack is that of the sweeper and is not kept. An inlined function is
// printed as `f(...)` and its place without ` +0x…`. Addresses and sizes are hex; sizes are those of the slot, not of the request.
//
// How the parts work together: this file turns a file into chunks (gunzipped in zlib's own thread, decided by the first two
// bytes and not by the name), logparser.ts turns chunks into events, stacktable.ts turns stacks into numbers. Memory: a few
// chunks, one line, and each distinct frame and stack once.

import type { ReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip, type Gunzip } from 'node:zlib';
import { LogError, type LogHandler, LogParser, type LogStats } from './logparser.ts';
import type { StackTable } from './stacktable.ts';

export { LogError, type LogHandler, type LogMark, LogParser, type LogStats } from './logparser.ts';
export { StackTable } from './stacktable.ts';

// zlib hands out one chunk for each trip to its thread: with its default of 16 KiB the trips cost five times the unpacking.
const chunkBytes = 256 << 10;

/**
 * Reads a log, plain or gzip, from its beginning to its end and tells `handler` what happens in it. With `stacks: null` the
 * stacks are checked but not kept, and every stackId is 0.
 * Errors: LogError, line 0, for a file that cannot be read; LogError with its line for one that is no whole log (see LogParser);
 * what the handler throws goes through. The file is closed in every case.
 */
export async function readLog(path: string, handler: LogHandler, options: { stacks: StackTable | null }): Promise<LogStats> {
  const parser = new LogParser(handler, options.stacks);
  try {
    const file = await open(path, 'r');
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw new LogError(0, `${path} is ${stat.isDirectory() ? 'a directory' : 'no regular file'}; wanted a log file`);
      const head = new Uint8Array(2);
      const { bytesRead } = await file.read(head, 0, 2, 0);
      const gzip = bytesRead === 2 && head[0] === 0x1f && head[1] === 0x8b;
      const source = file.createReadStream({ start: 0, highWaterMark: chunkBytes, autoClose: false });
      for await (const chunk of gzip ? unpacked(source) : source) {
        parser.push(chunk);
        handler.progress?.(source.bytesRead, stat.size);
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    throw readError(path, parser, error);
  }
  return parser.end();
}

/**
 * The unpacked bytes of a gzip file. Rejected: stream.pipeline, which on Node 20 reports "The operation was aborted" in place of
 * the error that made it abort.
 */
function unpacked(source: ReadStream): Gunzip {
  const gunzip = createGunzip({ chunkSize: chunkBytes });
  source.on('error', (error) => gunzip.destroy(error));
  gunzip.on('close', () => source.destroy()); // the reader of gunzip gave up: read no further
  return source.pipe(gunzip);
}

/** The one-line LogError for what the file system or zlib threw; anything else is returned as it is. */
function readError(path: string, parser: LogParser, error: unknown): unknown {
  const fact = fileFault(error);
  if (fact === null) return error;
  if (/^the gzip/.test(fact)) return new LogError(parser.lines + 1, `${fact} after ${parser.lines} whole lines; wanted all of the file`);
  return new LogError(0, `cannot read ${path}: ${fact}`);
}

/** What is wrong with a file, in words, when `error` comes from the file system or from zlib; null when not. */
export function fileFault(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'Z_BUF_ERROR') return 'the gzip data is cut off';
  if (code?.startsWith('Z_')) return `the gzip data is damaged (${error.message})`;
  if (code === undefined || !('syscall' in error)) return null;
  const facts: Record<string, string> = { ENOENT: 'no such file', EACCES: 'permission denied', EISDIR: 'it is a directory' };
  return facts[code] ?? error.message;
}
