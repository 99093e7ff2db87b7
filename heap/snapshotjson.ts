// snapshotjson: JSON written as bytes, in chunks. Nearly all of a heap snapshot is numbers; they are written digit by digit into the
// chunk, which is five times as fast as making a string of each.
//
// A chunk has a margin behind its nominal end: what is written between two looks at isFull must fit into it.

import { utf8Length, utf8Write } from '../runtime/internal/utf8.ts';

const comma = 0x2c;
const newline = 0x0a;
const zero = 0x30;

/** Bytes of JSON, handed out chunk by chunk. */
export class JsonChunks {
  private buf: Uint8Array<ArrayBuffer>;
  private at = 0;
  private hasNodes = false;
  private hasEdges = false;

  constructor(
    private readonly chunkBytes: number,
    private readonly margin: number,
  ) {
    this.buf = new Uint8Array(chunkBytes + margin);
  }

  /** The chunk is to be taken. */
  get isFull(): boolean {
    return this.at >= this.chunkBytes;
  }

  /** What was written; the next chunk begins. */
  take(): Uint8Array<ArrayBuffer> {
    const chunk = this.buf.subarray(0, this.at);
    this.buf = new Uint8Array(this.chunkBytes + this.margin);
    this.at = 0;
    return chunk;
  }

  /** The chunk, if it is full. */
  *full(): Generator<Uint8Array<ArrayBuffer>, void, void> {
    if (this.isFull) yield this.take();
  }

  /** What is left at the end. */
  rest(): Uint8Array<ArrayBuffer> {
    return this.buf.subarray(0, this.at);
  }

  /** Text of at most the margin's length, as it is. */
  text(text: string): void {
    const bytes = utf8Length(text);
    if (this.at + bytes > this.buf.length) {
      const more = new Uint8Array(this.at + bytes + this.margin); // a name of a type that is longer than a chunk
      more.set(this.buf.subarray(0, this.at));
      this.buf = more;
    }
    utf8Write(text, this.buf, this.at);
    this.at += bytes;
  }

  /** A node of seven numbers; the last one, detachedness, is 0. */
  node(type: number, name: number, id: number, size: number, edges: number, trace: number): void {
    if (this.hasNodes) this.buf[this.at++] = comma;
    this.hasNodes = true;
    this.buf[this.at++] = newline;
    this.number(type);
    this.number(name);
    this.number(id);
    this.number(size);
    this.number(edges);
    this.number(trace);
    this.buf[this.at++] = zero;
  }

  edge(type: number, nameOrIndex: number, to: number): void {
    const { buf } = this;
    if (this.hasEdges) buf[this.at++] = comma;
    this.hasEdges = true;
    buf[this.at++] = newline;
    this.number(type);
    this.number(nameOrIndex);
    this.number(to);
    this.at--; // the comma behind the last number
  }

  /** A whole number from 0 to 2^31, and a comma. */
  private number(n: number): void {
    const { buf } = this;
    let at = this.at;
    if (n < 10) {
      buf[at++] = zero + n;
    } else {
      let digits = 2;
      for (let limit = 100; n >= limit; limit *= 10) digits++;
      let k = at + digits;
      at = k;
      let rest = n;
      while (rest > 0) {
        const q = (rest / 10) >>> 0;
        buf[--k] = zero + (rest - q * 10);
        rest = q;
      }
    }
    buf[at++] = comma;
    this.at = at;
  }
}

/** Strings by number, in the order in which they were asked for. */
export class StringTable {
  private readonly ids = new Map<string, number>();

  /** first: what number 0 is. */
  constructor(first: string) {
    this.ids.set(first, 0);
  }

  id(text: string): number {
    let id = this.ids.get(text);
    if (id === undefined) {
      id = this.ids.size;
      this.ids.set(text, id);
    }
    return id;
  }

  /** The elements of the JSON array of them. */
  *json(): Generator<string, void, void> {
    let before = '\n';
    for (const text of this.ids.keys()) {
      yield `${before}${JSON.stringify(text)}`;
      before = ',\n';
    }
  }
}
