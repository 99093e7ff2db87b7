// variables: cells and atomics whose accesses have a point before them; see things.ts, which has everything else.
import { Atomic, Cell } from '../sched/cell.ts';
import type { Blocking, Op } from '../sched/op.ts';
import { explored } from './explored.ts';
import type { Operand } from './sched.ts';
import { OpKind } from './types.ts';

/** A plain variable. */
export class ExploringCell<T> extends explored('cell', Cell)<T> implements Operand {
  override get(): Blocking<T> {
    return this.world.announce(this.world.begin(), OpKind.get, this) as Blocking<unknown> as Blocking<T>;
  }

  override set(value: T): Blocking<void> {
    const op = this.world.begin();
    op.value = value;
    return this.world.announce(op, OpKind.set, this) as Blocking<void>;
  }

  perform(op: Op, kind: OpKind): boolean {
    this.world.touched(this, kind === OpKind.set);
    const { races, curg } = this.world;
    if (races !== null) races.cell(curg, this, kind === OpKind.set);
    if (kind === OpKind.get) op.value = this.value;
    else {
      this.value = op.value as T;
      op.value = undefined;
    }
    return true;
  }
}

/** What an atomic update makes of the old value, and what its operation gives. */
type Update<T> = (atomic: ExploringAtomic<T>) => unknown;

/** An atomic variable. */
export class ExploringAtomic<T> extends explored('atomic', Atomic)<T> implements Operand {
  override load(): Blocking<T> {
    return this.world.announce(this.world.begin(), OpKind.load, this) as Blocking<unknown> as Blocking<T>;
  }

  override store(value: T): Blocking<void> {
    const op = this.world.begin();
    op.value = value;
    return this.world.announce(op, OpKind.store, this) as Blocking<void>;
  }

  override plain(): Blocking<T> {
    return this.world.announce(this.world.begin(), OpKind.get, this) as Blocking<unknown> as Blocking<T>;
  }

  private update(update: Update<T>): Op {
    const op = this.world.begin();
    op.value = update;
    return this.world.announce(op, OpKind.update, this);
  }

  override add(this: Atomic<number>, delta: number): Blocking<number> {
    return (this as ExploringAtomic<number>).update((a) => (a.value += delta)) as Blocking<unknown> as Blocking<number>;
  }

  override swap(value: T): Blocking<T> {
    const swapped = this.update((a) => {
      const old = a.value;
      a.value = value;
      return old;
    });
    return swapped as Blocking<unknown> as Blocking<T>;
  }

  override compareAndSwap(old: T, value: T): Blocking<boolean> {
    const swapped = this.update((a) => {
      const same = Object.is(a.value, old);
      if (same) a.value = value;
      return same;
    });
    return swapped as Blocking<unknown> as Blocking<boolean>;
  }

  perform(op: Op, kind: OpKind): boolean {
    this.world.touched(this, kind !== OpKind.load && kind !== OpKind.get);
    const { races, curg } = this.world;
    if (races !== null) races.atomic(curg, this, kind);
    if (kind === OpKind.load || kind === OpKind.get) op.value = this.value;
    else if (kind === OpKind.store) {
      this.value = op.value as T;
      op.value = undefined;
    } else op.value = (op.value as Update<T>)(this);
    return true;
  }
}
