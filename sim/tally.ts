// tally: how many different numbers were seen, in 4 MiB however many there are: a bit for each of 2^24 values of a hash, and one more
// for those that came again. Among few numbers two hardly ever share a bit; among many it is known how many do. Source: Whang,
// Vander-Zanden and Taylor, "A linear-time probabilistic counting algorithm" (1990).
//
// Those that came only once say how much there is that did not come: the next number will be a new one with a probability of about
// (came once) / (all). Source: Good, "The population frequencies of species and the estimation of population parameters" (1953).
import { popcount } from '../runtime/internal/bits.ts';

const bits = 1 << 24;

/** What a tally has seen. */
export interface Seen {
  readonly words: Int32Array;
  readonly again: Int32Array;
  readonly added: number;
}

/** Counts different 32-bit numbers. */
export class Tally {
  private readonly words = new Int32Array(bits >>> 5);
  private readonly again = new Int32Array(bits >>> 5);
  private ones = 0;
  private repeated = 0;
  private added = 0;

  add(n: number): void {
    const h = Math.imul(n ^ (n >>> 16), 0x85ebca6b);
    const bit = (h ^ (h >>> 13)) & (bits - 1);
    const mask = 1 << (bit & 31);
    this.added++;
    if ((this.words[bit >>> 5]! & mask) === 0) {
      this.words[bit >>> 5]! |= mask;
      this.ones++;
    } else if ((this.again[bit >>> 5]! & mask) === 0) {
      this.again[bit >>> 5]! |= mask;
      this.repeated++;
    }
  }

  /** Those that another one has seen, too. */
  merge({ words, again, added }: Seen): void {
    this.ones = 0;
    this.repeated = 0;
    this.added += added;
    for (let k = 0; k < words.length; k++) {
      const both = this.words[k]! & words[k]!;
      this.repeated += popcount((this.again[k]! |= again[k]! | both));
      this.ones += popcount((this.words[k]! |= words[k]!));
    }
  }

  /** For merge, on another thread. */
  get seen(): Seen {
    const { words, again, added } = this;
    return { words, again, added };
  }

  /** How many different ones there were; exact while they are few, within half a percent up to ten million. */
  get count(): number {
    return this.ones < 1000 ? this.ones : Math.round(-bits * Math.log(1 - this.ones / bits));
  }

  /** Probability that one more number would be new, about; 1 when there was none. */
  get unseen(): number {
    if (this.added === 0) return 1;
    const once = (this.ones - this.repeated) / (1 - this.ones / bits); // another one may have come upon the bit
    return Math.min(once / this.added, 1);
  }
}
