// rand: seeded streams. One seed makes them all; each consumer has its own stream, so that asking one of them more often
// (profiling, say) moves no other (the schedule).
//
// The generator is xorshift64+ on two 32-bit halves, the one of Go's 32-bit fastrand (proc.go, fastrand). Streams are
// set apart by hashing the stream's name into the seed with a 32-bit finaliser (murmur3's fmix32).

function mix(h: number): number {
  let x = h | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) | 0;
}

/** A deterministic stream of 32-bit numbers. */
export class Rand {
  private s0: number;
  private s1: number;

  /** seed: any integer (53 bits are used); stream: the consumer's name. */
  constructor(seed: number, stream: string) {
    let h = mix(seed | 0) ^ mix(Math.floor(seed / 2 ** 32) + 0x9e3779b9);
    for (let i = 0; i < stream.length; i++) h = mix(h ^ (stream.charCodeAt(i) + Math.imul(i, 0x9e3779b1)));
    this.s0 = mix(h + 1);
    this.s1 = mix(h + 2);
    if ((this.s0 | this.s1) === 0) this.s0 = 1; // the all-zero state never leaves itself
  }

  /** The next number, as an int32. */
  next(): number {
    let s1 = this.s0;
    const s0 = this.s1;
    s1 ^= s1 << 17;
    s1 = s1 ^ s0 ^ (s1 >>> 7) ^ (s0 >>> 16);
    this.s0 = s0;
    this.s1 = s1;
    return (s0 + s1) | 0;
  }

  /** A number in [0, n), n at most 2^31. Multiply and shift in doubles: `%` on an unsigned value is a slow float modulo. */
  below(n: number): number {
    return Math.floor(((this.next() >>> 0) * n) / 4294967296);
  }

  /** A double in [0, 1) with 32 bits. */
  fraction(): number {
    return (this.next() >>> 0) / 4294967296;
  }
}
