// files: how the commands write. Nobody ever finds half of a file: it is written aside, then renamed.
import { closeSync, openSync, realpathSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { fileFault } from '../replay/logreader.ts';
import { FileError } from './args.ts';

/**
 * Writes chunks one after the other to a file, or for `-` to stdout, and returns how many bytes they were. What is no plain file (a
 * pipe, a device) is written as it is; a link stays one. Throws FileError, and what making the chunks throws: then nothing has
 * changed.
 */
export function writeOut(file: string, chunks: Iterable<Uint8Array>, print: (data: Uint8Array) => void): number {
  if (file === '-') {
    let bytes = 0;
    for (const chunk of chunks) {
      bytes += chunk.length;
      print(chunk);
    }
    return bytes;
  }
  let aside = '';
  try {
    const there = statSync(file, { throwIfNoEntry: false });
    if (there !== undefined && !there.isFile()) return writeChunks(file, chunks);
    const target = there === undefined ? file : realpathSync(file);
    aside = `${target}.${process.pid}.part`;
    const bytes = writeChunks(aside, chunks);
    renameSync(aside, target);
    return bytes;
  } catch (error) {
    if (aside !== '') rmSync(aside, { force: true });
    const fact = fileFault(error);
    if (fact === null) throw error;
    throw new FileError(`cannot write ${file}: ${fact === 'no such file' ? 'no such folder' : fact}`);
  }
}

function writeChunks(file: string, chunks: Iterable<Uint8Array>): number {
  const fd = openSync(file, 'w');
  try {
    let bytes = 0;
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
      bytes += chunk.length;
    }
    return bytes;
  } finally {
    closeSync(fd);
  }
}
