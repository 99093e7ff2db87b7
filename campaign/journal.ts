// journal: the results of one shard, in the order in which they came, one JSON document a line. See campaign.ts.
//
//   {"gorena":"journal","schemaVersion":1,"kind":…,"version":…,"digest":…,"shard":"1/3","tasks":60,"spec":…}
//   {"task":"churn/cycle/…/1","result":{…},"sum":"9ae0daaf"}
//   {"task":"churn/cycle/…/2","result":{…},"sum":"1c29a3f0"}
//
// sum is the CRC-32 of the line up to `,"sum"`. A line is written by one call, so a process that is killed leaves whole lines and
// at most one that is cut off at the end, which is dropped when the journal is continued. Anything else that does not fit is told,
// with the line's number: a result that nobody computed must not come into a table.
//
// While it is written a file NAME.lock beside it has the writer's process id and host. A lock whose process is gone is taken over.
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { crc32 } from 'node:zlib';
import { CampaignError } from './error.ts';

/** Of the form above. */
export const schemaVersion = 1;

/** The first line. */
export interface JournalHead {
  readonly gorena: 'journal';
  readonly schemaVersion: number;
  readonly kind: string;
  readonly version: string;
  /** Of kind, version, spec and the ids of all tasks. */
  readonly digest: string;
  /** `i/n`. */
  readonly shard: string;
  /** Of the whole campaign. */
  readonly tasks: number;
  readonly spec: unknown;
}

/** A result: parsed, and as it stands in the file. */
export interface Kept {
  readonly result: unknown;
  readonly text: string;
  readonly line: number;
}

/** A journal that was read. */
export interface Part {
  readonly path: string;
  readonly head: JournalHead;
  readonly results: ReadonlyMap<string, Kept>;
  /** Bytes of its whole lines; the file may have half a line more. */
  readonly bytes: number;
}

/** Calls back with each whole line of a file, whatever its size. Returns the bytes of all whole lines. */
function eachLine(path: string, visit: (line: string, number: number) => void): number {
  const file = openSync(path, 'r');
  try {
    const chunk = Buffer.alloc(1 << 20);
    let rest: Buffer = Buffer.alloc(0);
    let number = 0;
    let bytes = 0;
    for (let n = readSync(file, chunk); n > 0; n = readSync(file, chunk)) {
      const data = Buffer.concat([rest, chunk.subarray(0, n)]);
      let from = 0;
      for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, from)) {
        visit(data.toString('utf8', from, end), ++number);
        from = end + 1;
      }
      bytes += from;
      rest = data.subarray(from);
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}

/** Reads a journal. Throws CampaignError when it cannot be read, is none, or is damaged anywhere but at its end. */
export function readPart(path: string): Part {
  let head: JournalHead | null = null;
  const results = new Map<string, Kept>();
  let bytes = 0;
  try {
    bytes = eachLine(path, (line, number) => {
      if (head === null) {
        head = headOf(path, line);
        return;
      }
      const { task, kept } = recordOf(path, line, number);
      const there = results.get(task);
      if (there !== undefined && there.text !== kept.text) {
        throw new CampaignError('file', `${path}: line ${number}: task '${task}' has another result than in line ${there.line}`);
      }
      results.set(task, kept);
    });
  } catch (error) {
    if (error instanceof CampaignError) throw error;
    throw new CampaignError('file', `cannot read ${path}: ${faultOf(error)}`);
  }
  if (head === null) throw new CampaignError('file', `${path} is no journal of gorena: it has no whole line`);
  return { path, head, results, bytes };
}

function headOf(path: string, line: string): JournalHead {
  let head: Partial<JournalHead> | null = null;
  try {
    head = JSON.parse(line) as Partial<JournalHead> | null;
  } catch {
    // no JSON: told below
  }
  if (head?.gorena !== 'journal') {
    throw new CampaignError('file', `${path} is no journal of gorena: line 1 begins with ${JSON.stringify(line.slice(0, 40))}`);
  }
  if (head.schemaVersion !== schemaVersion) {
    throw new CampaignError('file', `${path} is a journal of form ${head.schemaVersion}, this gorena reads form ${schemaVersion}`);
  }
  const { kind, version, digest, shard, tasks } = head;
  if ([kind, version, digest, shard].some((s) => typeof s !== 'string') || typeof tasks !== 'number') {
    throw new CampaignError('file', `${path}: line 1: the journal's head is damaged; delete the file to begin anew`);
  }
  return head as JournalHead;
}

const sumBytes = ',"sum":"00000000"}'.length;

function recordOf(path: string, line: string, number: number): { task: string; kept: Kept } {
  const body = line.slice(0, -sumBytes);
  if (line !== withSum(body)) {
    throw new CampaignError(
      'file',
      `${path}: line ${number} is damaged: its checksum does not fit; delete the line to have its task done again`,
    );
  }
  const { task, result } = JSON.parse(line) as { task: string; result: unknown };
  return { task, kept: { result, text: body, line: number } };
}

/** A line's end. body: its JSON up to there. */
function withSum(body: string): string {
  return `${body},"sum":"${(crc32(body) >>> 0).toString(16).padStart(8, '0')}"}`;
}

/** What the file system says, in words. */
function faultOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const facts: Record<string, string> = {
    ...{ ENOENT: 'no such file or folder', EACCES: 'permission denied', EISDIR: 'it is a directory' },
    ...{ ENOSPC: 'the disk is full', EROFS: 'the file system cannot be written' },
  };
  return facts[code ?? ''] ?? message;
}

/** A journal that is being written. */
export class Journal {
  private constructor(
    private readonly path: string,
    private readonly file: number,
    /** What earlier runs have left, by task id. */
    readonly done: ReadonlyMap<string, Kept>,
  ) {}

  /**
   * Begins a journal, or continues that of the same campaign and shard. Throws CampaignError: it is of something else, damaged, in
   * use, or cannot be written.
   */
  static open(path: string, head: JournalHead): Journal {
    lock(path);
    try {
      const part = exists(path) ? readPart(path) : null;
      if (part === null) {
        writeFileSync(`${path}.part`, `${JSON.stringify(head)}\n`);
        renameSync(`${path}.part`, path); // nobody finds a journal without its head
      } else {
        sameCampaign(part, head);
        truncateSync(path, part.bytes);
      }
      return new Journal(path, openSync(path, 'a'), part?.results ?? new Map());
    } catch (error) {
      unlock(path);
      if (error instanceof CampaignError) throw error;
      throw new CampaignError('file', `cannot write ${path}: ${faultOf(error)}`);
    }
  }

  /** Throws CampaignError when the journal has a task that is none of these. */
  refuseStrangers(ids: ReadonlySet<string>): void {
    for (const [id, { line }] of this.done) {
      if (!ids.has(id)) throw new CampaignError('file', `${this.path}: line ${line}: this part of the campaign has no task '${id}'`);
    }
  }

  /** Adds a result, given as JSON. */
  append(task: string, resultText: string): void {
    const line = Buffer.from(`${withSum(`{"task":${JSON.stringify(task)},"result":${resultText}`)}\n`);
    try {
      for (let from = 0; from < line.length; ) from += writeSync(this.file, line, from);
    } catch (error) {
      throw new CampaignError('file', `cannot write ${this.path}: ${faultOf(error)}`);
    }
  }

  close(): void {
    try {
      fsyncSync(this.file); // a machine that fails later has all of it
    } finally {
      closeSync(this.file);
      unlock(this.path);
    }
  }
}

function sameCampaign({ path, head: found }: Part, wanted: JournalHead): void {
  const elsewhere = 'choose another --output, or delete it to begin anew';
  if (found.kind !== wanted.kind)
    throw new CampaignError('file', `${path} is the journal of another campaign (kind ${found.kind}): ${elsewhere}`);
  if (found.version !== wanted.version) {
    throw new CampaignError('file', `${path} was written by gorena ${found.version}, this is ${wanted.version}: ${elsewhere}`);
  }
  if (found.digest !== wanted.digest)
    throw new CampaignError('file', `${path} is the journal of a campaign with other settings: ${elsewhere}`);
  if (found.shard !== wanted.shard) {
    throw new CampaignError('file', `${path} is the journal of shard ${found.shard}, this is ${wanted.shard}: ${elsewhere}`);
  }
}

function exists(path: string): boolean {
  try {
    closeSync(openSync(path, 'r'));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Makes NAME.lock, or says who has it. */
function lock(path: string): void {
  const file = `${path}.lock`;
  const me = `${process.pid} ${hostname()}`;
  for (let again = false; ; again = true) {
    try {
      writeFileSync(file, me, { flag: 'wx' });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new CampaignError('file', `cannot write ${file}: ${faultOf(error)}`);
      }
    }
    const owner = readFileSync(file, 'utf8');
    const [pid, host] = owner.split(' ');
    const gone = host === hostname() && (Number(pid) === process.pid || !runs(Number(pid)));
    if (!gone || again) {
      throw new CampaignError(
        'file',
        `${path} is being written by process ${pid} on ${host ?? 'another host'}; if that is gone, delete ${file}`,
      );
    }
    rmSync(file, { force: true });
  }
}

function unlock(path: string): void {
  rmSync(`${path}.lock`, { force: true });
}

/** Whether a process of this machine is there. */
function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
