// cell: a plain variable and an atomic one that the runtime knows about, so that a strategy can let others go on before each
// access, and races between them can be found. Outside of exploring (gorena/sim) an access is an operation that never waits.
//
// The value is one of JavaScript's: the collector does not look into it.
import { inspect, lineOf, plainHost } from '../runtime/internal/look.ts';
import type { Blocking } from './op.ts';
import type { Sched } from './proc.ts';

/** What both are. */
abstract class Variable<T> {
  constructor(
    protected readonly sched: Sched,
    protected value: T,
    /** What reports call it; '' for none. */
    readonly name: string,
  ) {}

  /** @internal In a console: not the machine. */
  [inspect](): string {
    const kind = this instanceof Atomic ? 'atomic' : 'cell';
    return `${kind}${this.name === '' ? '' : ` ${this.name}`} (${lineOf(plainHost(this.value))})`;
  }
  toJSON(): unknown {
    return { name: this.name, value: plainHost(this.value) };
  }

  /** Its value, as nobody's access: for assertions when all is done. */
  peek(): T {
    return this.value;
  }
}

/** A plain variable that goroutines share. Two accesses race when one of them writes and nothing orders them. */
export class Cell<T> extends Variable<T> {
  /** Its value. `yield*` it. */
  get(): Blocking<T> {
    return this.sched.done(this.value) as Blocking<unknown> as Blocking<T>;
  }

  /** Gives it another value. `yield*` it. */
  set(value: T): Blocking<void> {
    this.value = value;
    return this.sched.done(undefined) as Blocking<unknown> as Blocking<void>;
  }
}

/** A variable whose accesses are atomic and in one order that all goroutines see: Go's sync/atomic. */
export class Atomic<T> extends Variable<T> {
  /** Its value. `yield*` it. */
  load(): Blocking<T> {
    return this.sched.done(this.value) as Blocking<unknown> as Blocking<T>;
  }

  /** Gives it another value. `yield*` it. */
  store(value: T): Blocking<void> {
    this.value = value;
    return this.sched.done(undefined) as Blocking<unknown> as Blocking<void>;
  }

  /** Adds delta to a number and gives the sum. `yield*` it. */
  add(this: Atomic<number>, delta: number): Blocking<number> {
    this.value += delta;
    return this.sched.done(this.value) as Blocking<unknown> as Blocking<number>;
  }

  /** Gives it another value and returns the old one. `yield*` it. */
  swap(value: T): Blocking<T> {
    const old = this.value;
    this.value = value;
    return this.sched.done(old) as Blocking<unknown> as Blocking<T>;
  }

  /** Gives it another value if it is `old` (Object.is); says whether it did. `yield*` it. */
  compareAndSwap(old: T, value: T): Blocking<boolean> {
    const same = Object.is(this.value, old);
    if (same) this.value = value;
    return this.sched.done(same) as Blocking<unknown> as Blocking<boolean>;
  }

  /** Reads it as a plain variable, as copying the struct around it does: that races with atomic writes. `yield*` it. */
  plain(): Blocking<T> {
    return this.sched.done(this.value) as Blocking<unknown> as Blocking<T>;
  }
}
