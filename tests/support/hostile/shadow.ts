// shadow: the heap as it should be, in plain JavaScript: which objects were made, who points to whom, who is held by what. It
// knows nothing of the runtime but what the program did, and so it can say which objects must be alive.
import type { Addr } from '../../../runtime/internal/memory.ts';
import { blobs, type Field, globals, type Local } from './program.ts';

/** What the shadow or the profile found wrong: `oracle: fact`. Findings of the runtime's own checks come as they are. */
export class Finding extends Error {
  override readonly name = 'Finding';
}

/** Pointers of an object by field; `far` only in wide nodes. */
export type Edges = Record<Field | 'far', number>;

/** Objects by number; 0 is nil. */
export class Shadow {
  readonly edges = new Map<number, Edges>();
  /** Where each object is, until it is freed; and back. */
  readonly addrOf = new Map<number, Addr>();
  readonly idAt = new Map<Addr, number>();
  readonly globals: number[] = new Array<number>(globals).fill(0);
  readonly blobs: number[] = new Array<number>(blobs).fill(0);
  readonly locals: Record<Local, number>[] = [];
  /** Sent and not yet received. */
  readonly inFlight: number[] = [];
  /** Have a finalizer that has not run: what they hold is alive, and they themselves are until it has run. */
  readonly finalizable = new Set<number>();
  /** What each goroutine's last operation brought, its operands, and the last finalized object: roots for a while, but nothing
   *  relies on it. */
  readonly limbo: number[][] = [];

  /** A new object. */
  made(id: number, addr: Addr): void {
    this.edges.set(id, { left: 0, right: 0, far: 0 });
    this.addrOf.set(id, addr);
    this.idAt.set(addr, id);
  }

  /** Objects that must be alive; loosely: and those that may be. */
  reach(loosely: boolean): Set<number> {
    const roots = [...this.globals, ...this.blobs, ...this.inFlight, ...this.locals.flatMap((l) => Object.values(l))];
    for (const id of this.finalizable) roots.push(...Object.values(this.edges.get(id)!));
    if (loosely) roots.push(...this.limbo.flat(), ...this.finalizable);
    return this.closure(roots);
  }

  /** Everything that can be reached from these objects, themselves included. */
  closure(roots: readonly number[]): Set<number> {
    const found = new Set<number>();
    const todo = [...roots];
    for (let id = todo.pop(); id !== undefined; id = todo.pop()) {
      if (id === 0 || found.has(id)) continue;
      found.add(id);
      todo.push(...Object.values(this.edges.get(id)!));
    }
    return found;
  }

  /** The sweeper freed the object at addr. Its number, or 0 for an object of the runtime's own (a channel's buffer). */
  freed(addr: Addr): number {
    const id = this.idAt.get(addr);
    if (id === undefined) return 0;
    if (this.finalizable.has(id)) throw new Finding(`R: object ${id} was freed before its finalizer ran`);
    if (this.reach(false).has(id)) throw new Finding(`R: object ${id} is reachable and was freed`);
    this.idAt.delete(addr);
    this.addrOf.delete(id);
    return id;
  }

  /** A finalizer runs. */
  finalized(id: number): void {
    if (!this.addrOf.has(id)) throw new Finding(`R: the finalizer of object ${id} runs, and it was freed`);
    if (!this.finalizable.has(id)) throw new Finding(`R: the finalizer of object ${id} runs a second time`);
    if (this.reach(false).has(id)) throw new Finding(`R: the finalizer of object ${id} runs, and it is reachable`);
    this.finalizable.delete(id);
  }
}
