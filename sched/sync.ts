// sync: makes what Go's package sync has. Each thing is a file of its own; their records lie on the heap (record.ts).

import type { RType } from '../heap/types.ts';
import { Atomic, Cell } from './cell.ts';
import { Cond, condBytes } from './cond.ts';
import { type Locker, Mutex, MutexRecord } from './mutex.ts';
import { Once } from './once.ts';
import { Pools } from './pool.ts';
import type { Sched } from './proc.ts';
import { RWMutex, rwMutexBytes } from './rwmutex.ts';
import { Semaphore } from './sema.ts';
import { WaitGroup, waitGroupBytes } from './waitgroup.ts';

export const mutexBytes = MutexRecord.words * 4;
export const semaBytes = 16; // SemaWords.words, and one so that it is no tiny object: those share their lives

/** The sync of one machine. */
export class Sync {
  readonly pools: Pools;
  protected readonly types: { mutex: RType; rwMutex: RType; waitGroup: RType; cond: RType; once: RType; sema: RType };

  constructor(
    protected readonly sched: Sched,
    private readonly era2014: boolean,
  ) {
    this.pools = this.newPools();
    const { types } = sched.heap;
    this.types = {
      mutex: types.define('sync.Mutex', mutexBytes, []),
      rwMutex: types.define('sync.RWMutex', rwMutexBytes, []),
      waitGroup: types.define('sync.WaitGroup', waitGroupBytes, []),
      cond: types.define('sync.Cond', condBytes, []),
      once: types.define('sync.Once', mutexBytes, []),
      sema: types.define('semaphore', semaBytes, []),
    };
  }

  protected newPools(): Pools {
    return new Pools(this.sched, this.era2014);
  }

  mutex(): Mutex {
    return this.made(new Mutex(this.sched, this.types.mutex, mutexBytes));
  }
  rwMutex(): RWMutex {
    return this.made(new RWMutex(this.sched, this.types.rwMutex, rwMutexBytes));
  }
  once(): Once {
    return this.made(new Once(this.sched, this.types.once, mutexBytes));
  }
  waitGroup(): WaitGroup {
    const wg = new WaitGroup(this.sched, this.types.waitGroup, waitGroupBytes);
    wg.make();
    return wg;
  }
  cond(locker: Locker): Cond {
    const cond = new Cond(this.sched, this.types.cond, locker);
    cond.make();
    return cond;
  }
  /** A semaphore with a count. */
  semaphore(count: number): Semaphore {
    const sema = new Semaphore(this.sched, this.types.sema, semaBytes, count);
    sema.make();
    return sema;
  }

  /** A plain variable that goroutines share. */
  cell<T>(value: T, name: string): Cell<T> {
    return new Cell(this.sched, value, name);
  }
  /** A variable whose accesses are atomic. */
  atomic<T>(value: T, name: string): Atomic<T> {
    return new Atomic(this.sched, value, name);
  }

  protected made<M extends Mutex>(mutex: M): M {
    mutex.era2014 = this.era2014;
    mutex.make();
    return mutex;
  }
}
