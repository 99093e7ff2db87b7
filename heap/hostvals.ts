// hostvals: values of JavaScript that objects of the heap hold, by number; the heap has the numbers. See mspecial.ts for how
// the sweeper gives a number back when its object dies.

/** The values of one machine. */
export class HostValues {
  private readonly values: unknown[] = [undefined]; // 0 is nobody's
  private readonly free: number[] = [];

  /** Takes a value; returns its number (never 0). The number given back last is handed out first. */
  add(value: unknown): number {
    const id = this.free.pop() ?? this.values.length;
    this.values[id] = value;
    return id;
  }

  get(id: number): unknown {
    return this.values[id];
  }

  set(id: number, value: unknown): void {
    this.values[id] = value;
  }

  /** The object that held the number is dead. */
  release(id: number): void {
    this.values[id] = undefined;
    this.free.push(id);
  }

  /** Numbers in use. */
  get length(): number {
    return this.values.length - 1 - this.free.length;
  }

  /** Numbers handed out so far, in use or not. */
  get capacity(): number {
    return this.values.length - 1;
  }
}
