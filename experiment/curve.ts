// curve: something over time in at most so many points. When there are too many, every other one goes and the rest stand further
// apart, so a curve needs not know how long the run will be.

const mostPoints = 400;

/** Collects points; times ascend. */
export class Curve {
  private x: number[] = [];
  private y: number[] = [];
  private stride = 1;
  private skipped = 0;

  add(x: number, y: number): void {
    if (++this.skipped < this.stride) return;
    this.skipped = 0;
    this.x.push(x);
    this.y.push(y);
    if (this.x.length < mostPoints) return;
    const even = (_: number, i: number) => i % 2 === 0;
    this.x = this.x.filter(even);
    this.y = this.y.filter(even);
    this.stride *= 2;
  }

  points(): { micros: number[]; values: number[] } {
    return { micros: this.x.map((x) => Math.round(x)), values: this.y };
  }
}
