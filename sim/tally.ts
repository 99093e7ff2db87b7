// tally: how many different numbers were seen, in 2 MiB however many there are: a bit for each of 2^24 values of a hash. Among few
// numbers two hardly ever share a bit; among many it is known how many do. Source: Whang, Vander-Zanden and Taylor, "A linear-time
// probabilistic counting algorithm" (1990).

const bits = 1 << 24;

/** Counts different 32-bit numbers. */
export class Tally {
  private readonly words = new Int32Array(bits >>> 5);
  private ones = 0;

  add(n: number): void {
    const h = Math.imul(n ^ (n >>> 16), 0x85ebca6b);
    const bit = (h ^ (h >>> 13)) & (bits - 1);
    const mask = 1 << (bit & 31);
    if ((this.words[bit >>> 5]! & mask) !== 0) return;
    this.words[bit >>> 5]! |= mask;
    this.ones++;
  }

  /** Those that another one has seen, too. */
  merge(words: Int32Array): void {
    this.ones = 0;
    for (let k = 0; k < words.length; k++) {
      let word = (this.words[k]! |= words[k]!);
      for (; word !== 0; word &= word - 1) this.ones++;
    }
  }

  /** For merge, on another thread. */
  get seen(): Int32Array {
    return this.words;
  }

  /** How many different ones there were; exact while they are few, within half a percent up to ten million. */
  get count(): number {
    return this.ones < 1000 ? this.ones : Math.round(-bits * Math.log(1 - this.ones / bits));
  }
}
