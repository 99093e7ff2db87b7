// marking: the mutants of the catalogue's first part (reference dst.md 4.2) and the controls E1, E2 and E4: barrier, roots,
// termination, finalizers and weak pointers. Numbers that the catalogue leaves out (M04, M10, M14, M17, M19, M21) are absent.
import { type GcWork, MarkState } from '../../../gc/mgcwork.ts';
import type { WeakCell } from '../../../heap/mspecial.ts';
import type { Addr } from '../../../runtime/internal/memory.ts';
import type { Machine } from '../../../runtime/machine.ts';
import { makeRef } from '../../../runtime/struct.ts';
import type { HChannel } from '../../../sched/chan.ts';
import { type G, GStatus } from '../../../sched/g.ts';
import { FrameHead } from '../../../sched/stack.ts';
import type { Sudog } from '../../../sched/sudog.ts';
import { all, barrierOn, channels, explore, exploreLong, type Mutant, shade, stores, type Victim, write } from './mutant.ts';

// --- the barrier ---------------------------------------------------------------------------------------------------------

/** Does something with an object's shading left out. */
function unshaded<R>({ gc: { work } }: Machine, act: () => R): R {
  const { grey } = work;
  work.grey = () => {};
  const result = act();
  work.grey = grey;
  return result;
}

/** A pointer that is about to be sent is held for the time of the send; here that does not shade it. */
const heldUnshaded = ({ machine }: Victim) => {
  const { holds } = machine.sched;
  const hold = holds.hold.bind(holds);
  const drop = holds.drop.bind(holds);
  holds.hold = (addr) => unshaded(machine, () => hold(addr));
  holds.drop = (slot) => unshaded(machine, () => drop(slot));
};

/** A value handed to a goroutine that may be scanned already is not shaded. */
const handOffUnshaded = all(
  heldUnshaded,
  channels((ch) => {
    ch['shade'] = () => {};
  }),
);

/** Channel buffers are filled and cleared by plain writes. */
const plainBuffers = channels((ch) => {
  const plainly = <A extends unknown[], R>(right: (...args: A) => R) => {
    return (...args: A): R => {
      const { mutator } = ch['sched'];
      const slow = mutator['slowStore'];
      mutator['slowStore'] = false;
      const result = right(...args);
      mutator['slowStore'] = slow;
      return result;
    };
  };
  ch['putBuf'] = plainly(ch['putBuf'].bind(ch));
  ch['takeBuf'] = plainly(ch['takeBuf'].bind(ch));
});

const barrierMutants: Mutant[] = [
  { id: 'M01', title: 'no write barrier', breaks: all(stores(write), handOffUnshaded) },
  {
    id: 'M02',
    title: 'the barrier shades only what is stored, and stacks are scanned once',
    breaks: stores((m, word, value) => {
      if (barrierOn(m)) shade(m, 0, value);
      write(m, word, value);
    }),
  },
  {
    id: 'M03',
    title: 'the barrier shades only what is overwritten, and stacks are scanned one at a time',
    breaks: stores((m, word, value) => {
      if (barrierOn(m)) shade(m, m.heap.w[word]!, 0);
      write(m, word, value);
    }),
  },
  {
    id: 'M05',
    title: 'the barrier comes after the store and reads the old value then',
    holdOperands: true,
    breaks: stores((m, word, value) => {
      write(m, word, value);
      if (barrierOn(m)) shade(m, m.heap.w[word]!, value);
    }),
  },
  {
    id: 'M06',
    title: 'storing nil skips the barrier: nothing to shade',
    breaks: stores((m, word, value) => {
      if (barrierOn(m) && value !== 0) shade(m, m.heap.w[word]!, value);
      write(m, word, value);
    }),
  },
  {
    id: 'M07',
    title: 'no barrier on global variables',
    prefer: 'globals',
    breaks: stores((m, word, value) => {
      if (barrierOn(m) && m.heap.isHeapAddr(word << 2)) shade(m, m.heap.w[word]!, value);
      write(m, word, value);
    }),
  },
  { id: 'M07b', title: 'no barrier on channel buffers (bulk copy, memclr)', prefer: 'channel', breaks: all(heldUnshaded, plainBuffers) },
  { id: 'M07c', title: 'no barrier on a value handed to another goroutine', prefer: 'channel', breaks: handOffUnshaded },
  {
    id: 'M11',
    title: 'marking begins while a mutator is past its barrier check',
    holdOperands: true,
    breaks: stores((m, word, value) => {
      const on = barrierOn(m);
      exploreLong(m);
      if (on && barrierOn(m)) shade(m, m.heap.w[word]!, value);
      write(m, word, value);
    }),
  },
];

// --- roots ---------------------------------------------------------------------------------------------------------------

/** Replaces root jobs: `skip` says which are not done. */
const rootJobs = (skip: (job: number, globalJobs: number, jobs: number) => boolean) => (victim: Victim) => {
  const { gc } = victim.machine;
  const roots = gc['roots'];
  const right = roots.markNext.bind(roots);
  roots.markNext = (world, work) => {
    if (!skip(roots['next'], roots['globalJobs'], roots['jobs'])) return right(world, work);
    roots['next']++;
    return 1;
  };
};

/** Makes words that hold pointers invisible to every walk over stacks. */
const unseen =
  (hidden: (machine: Machine, g: G) => number[]) =>
  ({ machine }: Victim) => {
    const { stacks } = machine.sched;
    const { w } = machine.heap;
    const right = stacks.eachPointer.bind(stacks);
    stacks.eachPointer = (g, visit) => {
      const words = hidden(machine, g).map((word) => [word, w[word]!] as const);
      for (const [word] of words) w[word] = 0;
      right(g, visit);
      for (const [word, pointer] of words) w[word] = pointer;
    };
  };

/** Makes the values that goroutines wait to send invisible. */
const unsent = ({ machine: { sched } }: Victim) => {
  const { stacks, ops } = sched;
  const right = stacks.eachPointer.bind(stacks);
  stacks.eachPointer = (g, visit) => {
    const waiters: Sudog[] = [ops[g]!];
    for (let sg = ops[g]!.selecting; sg !== null; sg = sg.waitLink) waiters.push(sg);
    const elems = waiters.map(({ elem }) => elem);
    for (const sg of waiters) sg.elem = 0;
    right(g, visit);
    for (const [k, sg] of waiters.entries()) sg.elem = elems[k]!;
  };
};

/** Words of the last locals of a goroutine's frames. */
function lastLocals({ heap: { w }, sched }: Machine, g: G): number[] {
  const words: number[] = [];
  sched.stacks.save();
  for (let i = sched.gt.stackLo[g] >>> 2; i < sched.gt.sp[g] >>> 2; ) {
    const n = w[i + FrameHead.shape]! & 0xffff;
    if (n > 0) words.push(i + FrameHead.words + n - 1);
    i += FrameHead.words + n;
  }
  return words;
}

const stacksUnscanned =
  (skip: (g: G, status: GStatus) => boolean) =>
  ({ machine: { sched } }: Victim) => {
    const { world } = sched;
    const right = world.scanStack.bind(world);
    world.scanStack = (i: number, work: GcWork) => {
      const g = (i + 1) as G;
      return skip(g, sched.ops[g]!.status) ? 0 : right(i, work);
    };
  };

const rootMutants: Mutant[] = [
  { id: 'M12a', title: 'global variables are no roots', prefer: 'globals', breaks: rootJobs((job, n) => job >= 1 && job < 1 + n) },
  {
    id: 'M12b',
    title: 'channel buffers are not looked into',
    prefer: 'channel',
    breaks: ({ machine: { heap }, channels }) => {
      const blind = heap.types.define('chan buffer that nobody looks into', 4, []);
      if (channels !== undefined) (channels as { pointerBuf: typeof blind }).pointerBuf = blind;
    },
  },
  { id: 'M12c', title: 'the value of a blocked sender is no root', prefer: 'channel', breaks: unsent },
  { id: 'M12d', title: 'what objects with finalizers hold is no root', prefer: 'finalizers', breaks: rootJobs((job) => job === 0) },
  {
    id: 'M12e',
    title: 'the queue of due finalizers is no root',
    prefer: 'finalizers',
    breaks: ({ machine: { heap } }) => {
      heap.finalQueue.eachRoot = () => {};
    },
  },
  { id: 'M13a', title: 'stacks are not scanned', breaks: stacksUnscanned(() => true) },
  { id: 'M13b', title: 'stacks of parked goroutines are not scanned', breaks: stacksUnscanned((_, status) => status === GStatus.waiting) },
  { id: 'M15', title: 'the last local of each frame is not in the stack map', breaks: unseen(lastLocals) },
  {
    id: 'M16',
    title: 'what a receiver was given is in a JavaScript variable only, until it runs',
    prefer: 'channel',
    breaks: ({ machine: { sched } }) => {
      const { stacks } = sched;
      const right = stacks.eachPointer.bind(stacks);
      stacks.eachPointer = (g, visit) => {
        const op = sched.ops[g]!;
        const { brought } = op;
        op.brought = 0;
        right(g, visit);
        op.brought = brought;
      };
    },
  },
  { id: 'M18', title: 'the last root job is claimed and not done when marking ends', breaks: rootJobs((job, _, jobs) => job === jobs - 1) },
];

// --- colours and termination ---------------------------------------------------------------------------------------------

const colourMutants: Mutant[] = [
  {
    id: 'M08',
    title: 'objects allocated while marking are white',
    breaks: ({ machine }) => {
      machine.faults.allocWhite = true;
    },
  },
  {
    id: 'M20',
    title: 'the sweep leaves the mark bits set',
    breaks: ({ machine }) => {
      machine.faults.keepMarkBits = true;
    },
  },
  {
    id: 'M20b',
    title: 'free slots that were marked ahead stay marked when marking ends',
    breaks: ({ machine: { heap } }) => {
      for (const cache of heap.caches) cache['whiten'] = () => {};
    },
  },
  {
    id: 'M22',
    title: 'an object is visible before it is zeroed',
    breaks: ({ machine }) => {
      for (const m of machine.mutators) {
        let dirty: [addr: number, bytes: number] | null = null;
        const zero = m['zero'].bind(m);
        const newOwn = m['newOwn'].bind(m);
        m['zero'] = (addr, bytes) => {
          dirty = [addr, bytes];
        };
        m['newOwn'] = (bytes, type) => {
          dirty = null;
          const addr = newOwn(bytes, type);
          const late = dirty as [addr: number, bytes: number] | null;
          if (late === null) return addr;
          for (let i = 0; i < 8; i++) {
            const before = m.gc.cycle;
            explore(m);
            if (m.gc.cycle !== before) m.gc.work.grey(addr); // the new object is in a register: a root of the new cycle
          }
          zero(...late);
          return addr;
        };
      }
    },
  },
  {
    id: 'M23',
    title: 'a worker takes the last grey object, another one sees an empty queue and ends the marking',
    breaks: ({ machine: { gc } }) => {
      const right = gc['markPiece'].bind(gc);
      gc['markPiece'] = (objects) => {
        const { work } = gc;
        const grey: number[] = [];
        work.eachQueued((addr) => grey.push(addr));
        if (gc['roots'].left || grey.length !== 1) return right(objects);
        gc.heap.w[work.state + MarkState.count] = 0; // in hand
        return 0;
      };
    },
  },
  {
    id: 'M24',
    title: 'a barrier buffer that was flushed once in a cycle is not flushed again',
    breaks: ({ machine: { gc } }) => {
      const flushed = new Map<unknown, number>();
      gc['flushBarriers'] = () => {
        for (const m of gc.mutators) {
          if (flushed.get(m) === gc.cycle) continue;
          flushed.set(m, gc.cycle);
          m.barrier.flush(gc.work);
        }
        return !gc.work.empty;
      };
    },
  },
  {
    id: 'M28',
    title: 'a pointer into a large object leads to the object before it',
    prefer: 'blobs',
    breaks: ({ machine: { heap } }) => {
      const right = heap.objectBase.bind(heap);
      heap.objectBase = (addr) => {
        const s = heap.spanOfHeap(addr);
        if (s === 0 || heap.mspan.spanClass[s] >>> 1 !== 0 || addr === heap.base(s)) return right(addr);
        return right(heap.base(s) - 1);
      };
    },
  },
  {
    id: 'M29',
    title: 'the marker reads the span table of before the pages were used again',
    prefer: 'wide',
    breaks: ({ machine: { heap } }) => {
      const alloc = heap.allocSpan.bind(heap);
      const free = heap.freeSpan.bind(heap);
      const stale = new Map<number, number>(); // entries of pages that were given back
      heap.freeSpan = (s) => {
        const first = heap.mspan.startPage[s] << 1;
        for (let i = first; i < first + heap.mspan.npages[s] * 2; i++) stale.set(i, heap.pageInfo[i]!);
        free(s);
      };
      heap.allocSpan = (npages, spanClass, state) => {
        const s = alloc(npages, spanClass, state);
        const first = s === 0 ? 0 : heap.mspan.startPage[s] << 1;
        for (let i = first; i < first + npages * 2; i++) heap.pageInfo[i] = stale.get(i) ?? heap.pageInfo[i]!;
        return s;
      };
    },
  },
];

// --- finalizers and weak pointers ----------------------------------------------------------------------------------------

const finalMutants: Mutant[] = [
  {
    id: 'M26a',
    title: 'a weak pointer gives an object back that was judged dead and is not swept yet',
    prefer: 'weak',
    breaks: weakValues(({ gc }, { addr }) => {
      if (gc.marking) gc.work.grey(addr);
      return addr;
    }),
  },
  {
    id: 'M26b',
    title: 'what a weak pointer gives while marking is not shaded',
    prefer: 'weak',
    breaks: weakValues((machine, _, right) => unshaded(machine, right)),
  },
  {
    id: 'M27a',
    title: 'a finalizer is queued twice',
    prefer: 'finalizers',
    breaks: ({ machine: { heap } }) => {
      const queue = heap.finalQueue;
      const right = queue.queue.bind(queue);
      queue.queue = (n, addr) => {
        const fn = queue['functions'].get(n)!;
        if (addr !== 0) queue['due'].push({ fn, addr });
        right(n, addr);
      };
    },
  },
  {
    id: 'M27b',
    title: 'an object is freed before its finalizer has run',
    prefer: 'finalizers',
    breaks: ({ machine: { heap } }) => {
      const queue = heap.finalQueue;
      const right = queue.queue.bind(queue);
      queue.queue = (n, addr) => {
        right(n, addr);
        if (addr !== 0) heap.markBits[addr >>> 8]! &= ~(1 << ((addr >>> 3) & 31));
      };
    },
  },
];

/** Replaces what weak pointers read. */
function weakValues(wrong: (machine: Machine, cell: WeakCell, right: () => Addr) => Addr): (victim: Victim) => void {
  return ({ finals, machine }) => {
    if (finals === undefined) return;
    const make = finals.weak.bind(finals) as typeof finals.weak;
    finals.weak = ((ref) => {
      const weak = make(ref);
      const value = weak.value.bind(weak);
      weak.value = () => {
        const addr = wrong(machine, weak['cell'], () => value()?.addr ?? 0);
        return addr === 0 ? null : (makeRef(weak['ctx'], weak['struct'], addr) as ReturnType<typeof value>);
      };
      return weak;
    }) as typeof finals.weak;
  };
}

// --- controls ------------------------------------------------------------------------------------------------------------

const controls: Mutant[] = [
  {
    id: 'E1',
    title: 'the barrier shades only what is stored, and stacks are scanned again when marking ends',
    control: true,
    breaks: all(
      stores((m, word, value) => {
        if (barrierOn(m)) shade(m, 0, value);
        write(m, word, value);
      }),
      ({ machine: { gc, sched } }) => {
        const right = gc['markPiece'].bind(gc);
        gc['markPiece'] = (objects) => {
          const cost = right(objects);
          if (cost > 0) return cost;
          for (let i = 0; i < sched.world.stackCount(); i++) sched.world.scanStack(i, gc.work);
          return gc.work.empty ? 0 : 1;
        };
        gc.knobs.checkColours = false; // M2 is what Dijkstra's barrier does not keep for stacks, and need not
      },
    ),
  },
  {
    id: 'E2',
    title: 'the collector steps in between shading and storing; the operands are in scanned slots',
    control: true,
    avoid: ['channel'], // the channels' own stores promise nothing about their operands
    holdOperands: true,
    breaks: stores((m, word, value) => {
      if (barrierOn(m)) shade(m, m.heap.w[word]!, value);
      explore(m);
      write(m, word, value);
    }),
  },
  {
    id: 'E4',
    title: 'marking ends while a mutator is between its two shades; it looks at the phase again',
    control: true,
    avoid: ['channel'], // the channels' own stores promise nothing about their operands
    holdOperands: true,
    breaks: stores((m, word, value) => {
      const { cycle } = m.gc;
      const on = barrierOn(m);
      if (on) shade(m, m.heap.w[word]!, 0);
      explore(m);
      if (barrierOn(m)) shade(m, on && m.gc.cycle === cycle ? 0 : m.heap.w[word]!, value);
      write(m, word, value);
    }),
  },
];

/** E4 in a real queue: what makes it a bug. */
const queueMutant: Mutant = {
  id: 'E4b',
  title: 'as E4, without looking again: an entry stays in the barrier buffer when marking has ended',
  holdOperands: true,
  breaks: stores((m, word, value) => {
    const on = barrierOn(m);
    if (on) shade(m, m.heap.w[word]!, 0);
    explore(m);
    if (on) shade(m, 0, value);
    write(m, word, value);
  }),
};

// --- channels (ours; the reference has none) -----------------------------------------------------------------------------

/** Closing one must still wake who waits. */
const isOpen = (ch: HChannel) => !ch['isClosed'];

const queueMutants: Mutant[] = [
  {
    id: 'K1',
    title: 'a receiver does not see who waits to send, and waits as well',
    prefer: 'channel',
    breaks: channels((ch) => {
      const right = ch['serve'].bind(ch);
      ch['serve'] = (queue) => (queue === ch.sendq && isOpen(ch) ? null : right(queue));
    }),
  },
  {
    id: 'K2',
    title: 'a sender does not see who waits to receive, and fills the buffer',
    prefer: 'channel',
    breaks: channels((ch) => {
      const right = ch['serve'].bind(ch);
      ch['serve'] = (queue) => (queue === ch.recvq && isOpen(ch) ? null : right(queue));
    }),
  },
];

/** In the order of the catalogue. */
export const markingMutants: readonly Mutant[] = [
  ...barrierMutants,
  ...rootMutants,
  ...colourMutants,
  ...finalMutants,
  queueMutant,
  ...queueMutants,
  ...controls,
];
