// files: how the commands write. Nobody ever finds half of a file: it is written aside, then renamed.
import { closeSync, openSync, realpathSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { fileFault } from '../replay/logreader.ts';
import { FileError } from './args.ts';

/**
 * A file that is being written, piece by piece; or for `-` stdout. What is no plain file (a pipe, a device) is written as it is; a link
 * stays one. Errors are FileErrors, after which nothing has changed.
 */
export class OutFile {
  bytes = 0;
  private fd = -1;
  private target = '';
  private aside = '';

  constructor(
    private readonly file: string,
    private readonly print: (data: Uint8Array) => void,
  ) {
    if (file === '-') return;
    this.guard(() => {
      const there = statSync(file, { throwIfNoEntry: false });
      if (there === undefined || there.isFile()) {
        this.target = there === undefined ? file : realpathSync(file);
        this.aside = `${this.target}.${process.pid}.part`;
      }
      this.fd = openSync(this.aside === '' ? file : this.aside, 'w');
    });
  }

  write(data: Uint8Array | string): void {
    const chunk = typeof data === 'string' ? Buffer.from(data) : data;
    this.bytes += chunk.length;
    if (this.file === '-') this.print(chunk);
    else
      this.guard(() => {
        for (let at = 0; at < chunk.length; ) at += writeSync(this.fd, chunk, at);
      });
  }

  /** All of it is written: now it is there. */
  commit(): void {
    if (this.file === '-') return;
    this.guard(() => {
      closeSync(this.fd);
      this.fd = -1;
      if (this.aside !== '') renameSync(this.aside, this.target);
    });
  }

  /** It was not to be: nothing is there that was not there before. */
  abandon(): void {
    if (this.fd !== -1) closeSync(this.fd);
    this.fd = -1;
    if (this.aside !== '') rmSync(this.aside, { force: true });
  }

  private guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.abandon();
      const fact = fileFault(error);
      if (fact === null) throw error;
      throw new FileError(`cannot write ${this.file}: ${fact === 'no such file' ? 'no such folder' : fact}`);
    }
  }
}

/** Writes chunks one after the other, and returns how many bytes they were. Throws FileError, and what making the chunks throws. */
export function writeOut(file: string, chunks: Iterable<Uint8Array>, print: (data: Uint8Array) => void): number {
  const out = new OutFile(file, print);
  try {
    for (const chunk of chunks) out.write(chunk);
  } catch (error) {
    out.abandon();
    throw error;
  }
  out.commit();
  return out.bytes;
}
