// random: random numbers for the programs, from a seed, the same on every machine.

/** Numbers of one seed: below(n) is a whole number from 0 to n - 1. The generator of Numerical Recipes, its high bits. */
export function random(seed: number): { below(n: number): number } {
  let x = (seed ^ 0x5eed) | 0;
  return {
    below(n) {
      x = (Math.imul(x, 1664525) + 1013904223) | 0;
      return Math.floor(((x >>> 8) / (1 << 24)) * n);
    },
  };
}
