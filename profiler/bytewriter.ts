// bytewriter: bytes, appended to one buffer that grows. Binary formats (exectrace.ts, proto.ts) are written straight into it.

import { utf8Length, utf8Write } from '../runtime/internal/utf8.ts';

/** Bytes of the longest number, a negative one. */
const longestVarint = 10;

/** Bytes, appended. */
export class ByteWriter {
  protected buf: Uint8Array<ArrayBuffer>;
  length = 0;

  /** firstBytes: room at first; it doubles when it is used up. */
  constructor(firstBytes = 1 << 12) {
    this.buf = new Uint8Array(firstBytes);
  }

  /** Makes room for so many bytes more. */
  protected room(bytes: number): void {
    if (this.length + bytes <= this.buf.length) return;
    const more = new Uint8Array(Math.max(this.buf.length * 2, this.length + bytes));
    more.set(this.buf.subarray(0, this.length));
    this.buf = more;
  }

  byte(b: number): void {
    this.room(1);
    this.buf[this.length++] = b;
  }

  /** A whole number from -2^53 to 2^53 as LEB128: a negative one as the 64-bit number that two's complement makes of it. */
  varint(n: number): void {
    this.room(longestVarint);
    const { buf } = this;
    let at = this.length;
    if (n < 0) {
      // -n - 1 has the bits of n turned over, and nine groups of 7 of them; the tenth is the sign.
      let rest = -n - 1;
      for (let i = 0; i < 9; i++) {
        buf[at++] = (~(rest % 128) & 0x7f) | 0x80;
        rest = Math.floor(rest / 128);
      }
      n = 1;
    }
    for (; n >= 0x80000000; n = Math.floor(n / 128)) buf[at++] = (n % 128) | 0x80;
    let small = n | 0;
    for (; small >= 0x80; small >>>= 7) buf[at++] = (small & 0x7f) | 0x80;
    buf[at++] = small;
    this.length = at;
  }

  /** Its length in bytes and its UTF-8. */
  text(text: string): void {
    const bytes = utf8Length(text);
    this.varint(bytes);
    this.room(bytes);
    utf8Write(text, this.buf, this.length);
    this.length += bytes;
  }

  append(other: ByteWriter): void {
    this.room(other.length);
    this.buf.set(other.bytes(), this.length);
    this.length += other.length;
  }

  /** What was written; a view. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.buf.subarray(0, this.length);
  }
}
