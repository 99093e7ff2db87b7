// Makes a long allocation log out of the recorded ones: node bench/make-log.mjs OUT.log.gz [--megabytes N] [--from DIR]
//
// The logs of real programs are a few MB each. This one takes them in turn, again and again, until at least N MB (unpacked; default 60)
// are written, and makes one valid log of it: each copy's heap is moved by an offset of its own, so that no address of one copy is live
// in another; `# profile start` stays in the first copy only and `# profile end` in the last; snapshots are numbered by copy, so that
// their names stay distinct. What a copy leaves alive stays alive: the heap grows with the log, as in a real program that leaks.
//
// All is streamed: a copy is never held whole. Next to OUT.log.gz stands OUT.log.gz.json: {bytes, lines, copies}, unpacked.
// The output is written aside and renamed, so that a cut run leaves no half log.

import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createGunzip, createGzip } from 'node:zlib';

/** Folder of the recorded logs: DIR/NAME/trace.log.gz. */
export const recordedLogs = fileURLToPath(new URL('../tests/fixtures/go-traces', import.meta.url));

const copySpacing = 2 ** 32; // far beyond any recorded heap, which is some MB from 0xc000000000 on

/** Packed recorded logs below `from`, by name. */
export function findLogs(from) {
  if (!existsSync(from)) return [];
  return readdirSync(from)
    .sort()
    .map((name) => join(from, name, 'trace.log.gz'))
    .filter((path) => existsSync(path));
}

/**
 * Writes the long log unless it is there already. Returns {bytes, lines, copies} of it.
 * @param {{output: string, megabytes: number, from: string}} options
 */
export async function makeLog({ output, megabytes, from }) {
  const infoPath = `${output}.json`;
  if (existsSync(output) && existsSync(infoPath)) return JSON.parse(readFileSync(infoPath, 'utf8'));
  const logs = findLogs(from);
  if (logs.length === 0) throw new Error(`no recorded logs (NAME/trace.log.gz) in ${from}`);
  const plan = await planCopies(logs, megabytes * 1e6);
  mkdirSync(dirname(output), { recursive: true });
  const aside = `${output}.${process.pid}.tmp`;
  const info = { bytes: 0, lines: 0, copies: plan.length };
  try {
    await pipeline(copies(plan, info), createGzip({ level: 6 }), createWriteStream(aside));
    writeFileSync(`${infoPath}.tmp`, `${JSON.stringify(info)}\n`);
    renameSync(aside, output);
    renameSync(`${infoPath}.tmp`, infoPath);
  } finally {
    rmSync(aside, { force: true });
  }
  return info;
}

/** Which log each copy is of: whole logs in turn until there are enough bytes. Their sizes are learnt by unpacking each once. */
async function planCopies(logs, bytes) {
  const sizes = [];
  for (const path of logs) {
    let size = 0;
    for await (const chunk of createReadStream(path).pipe(createGunzip())) size += chunk.length;
    sizes.push(size);
  }
  const plan = [];
  for (let total = 0; total < bytes; total += sizes[(plan.length - 1) % logs.length]) plan.push(logs[plan.length % logs.length]);
  return plan;
}

async function* copies(plan, info) {
  for (let copy = 0; copy < plan.length; copy++) {
    const edit = editor(copy, plan.length);
    for await (const text of wholeLines(plan[copy])) {
      const edited = Buffer.from(edit(text), 'latin1');
      info.bytes += edited.length;
      for (let at = edited.indexOf(10); at !== -1; at = edited.indexOf(10, at + 1)) info.lines++;
      yield edited;
    }
  }
}

/** Text that is valid in copy 0 of 1, made valid in copy `copy` of `count`. */
function editor(copy, count) {
  const offset = copy * copySpacing;
  return (text) =>
    text
      .replace(/^(trace(?:alloc|free)\(0x)([0-9a-f]+)/gm, (_, head, address) => head + (Number.parseInt(address, 16) + offset).toString(16))
      .replace(/^# profile (start|end)\n/gm, (line, which) => (copy === (which === 'start' ? 0 : count - 1) ? line : ''))
      .replace(/^(# snapshot (?:begin|end)) (.+)$/gm, (_, head, name) => `${head} ${name}.${copy}`);
}

/** The unpacked text in pieces that end at line ends. Bytes are kept as they are (latin1). */
async function* wholeLines(path) {
  let rest = '';
  for await (const chunk of createReadStream(path).pipe(createGunzip({ chunkSize: 1 << 16 }))) {
    const text = rest + chunk.toString('latin1');
    const end = text.lastIndexOf('\n') + 1;
    rest = text.slice(end);
    if (end > 0) yield text.slice(0, end);
  }
  if (rest !== '') yield `${rest}\n`;
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    const options = { megabytes: { type: 'string', default: '60' }, from: { type: 'string', default: recordedLogs } };
    const { values, positionals } = parseArgs({ allowPositionals: true, options });
    const megabytes = Number(values.megabytes);
    if (positionals.length !== 1 || !(megabytes > 0))
      throw new Error('usage: node bench/make-log.mjs OUT.log.gz [--megabytes N] [--from DIR]');
    console.log(JSON.stringify(await makeLog({ output: positionals[0], megabytes, from: values.from })));
  } catch (error) {
    console.error(`make-log: ${error.message.split('\n')[0]}`);
    process.exit(2);
  }
}
