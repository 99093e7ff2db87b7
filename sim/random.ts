// random: the numbers that a strategy draws. A generator is set to a schedule by three numbers (the exploration's seed, the
// schedule, who draws), so that schedule 412 draws the same in whatever worker it runs, and however often.
//
// The generator is sfc32 (Doty-Humphrey, PractRand): 128 bits of state, four additions a number.

/** A stream of random numbers that can be set anew. */
export class Draws {
  private a = 0;
  private b = 0;
  private c = 0;
  private counter = 1;

  /** salt: who draws, so that two who draw in one schedule do not draw the same. */
  constructor(private readonly salt: number) {}

  /** The numbers of a schedule from their beginning. seed: any integer of 53 bits. */
  set(seed: number, schedule: number): void {
    this.a = mix(seed | 0, this.salt);
    this.b = mix(Math.floor(seed / 4294967296), schedule | 0);
    this.c = mix(this.a ^ schedule, this.b);
    this.counter = 1;
    for (let k = 0; k < 8; k++) this.next();
  }

  /** The next 32 bits, as an int32. */
  next(): number {
    const { b, c } = this;
    const sum = (this.a + b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = b ^ (b >>> 9);
    this.b = (c + (c << 3)) | 0;
    this.c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum;
  }

  /** A number in [0, n), n at most 2^31. */
  below(n: number): number {
    return Math.floor((this.next() >>> 0) * n * (1 / 4294967296));
  }

  /** A double in [0, 1) with 32 bits. */
  fraction(): number {
    return (this.next() >>> 0) * (1 / 4294967296);
  }
}

/** Murmur3's finaliser over two numbers. */
function mix(x: number, y: number): number {
  let h = Math.imul(x ^ 0x9e3779b9, 0x85ebca6b) ^ y;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
