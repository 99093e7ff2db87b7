// Hostile mutators: small random programs on the public API whose every operation is a choice point, so that the collector
// may do a step, begin a cycle or end one between any two of them; and a shadow of the heap in plain JavaScript that knows
// what must be alive and what must be dead. tests/model/gc.test.ts runs the real runtime against it; tests/stories break one
// line of the runtime and show that something here notices.
//
// The programs are hostile in the sense of reference dst.md 4.4: they move the only pointer to an object about (load it and
// cut the edge it came over, hand it to another goroutine, overwrite the variable it came from) instead of just reading and
// writing, they keep few objects, so that most edges are the last one, and they hang some of them deep, so that the marker
// needs a while to get there. Measured: without `build` and `dig` a missing barrier is noticed in 2 of 100 programs, with
// them in 75.
import fc from 'fast-check';
import {
  type Chooser,
  type Era,
  type Go,
  i32,
  RandomChooser,
  type Ref,
  Runtime,
  type SchemeName,
  self,
  struct,
} from '../../runtime/index.ts';
import { Ev } from '../../runtime/internal/events.ts';
import type { Faults } from '../../runtime/internal/faults.ts';
import type { Addr } from '../../runtime/internal/memory.ts';
import { GoPanic } from '../../runtime/internal/throw.ts';
import type { Machine } from '../../runtime/machine.ts';
import { makeRef } from '../../runtime/struct.ts';
import { published } from './profile.ts';

const Node = struct('hostile.Node', { id: i32, left: self, right: self });
const fields = ['left', 'right'] as const;
const locals = ['a', 'b', 'c'] as const;
const globals = 2;

type Field = (typeof fields)[number];
type Local = (typeof locals)[number];

/** One operation of a goroutine. On a nil pointer it does nothing. */
export type Op =
  | { readonly op: 'new'; readonly to: Local }
  | { readonly op: 'build'; readonly to: Local; readonly depth: number } // a chain: work for the marker, and a long way down
  | { readonly op: 'dig'; readonly to: Local; readonly from: Local; readonly depth: number } // go down and take what hangs there
  | { readonly op: 'load' | 'take'; readonly to: Local; readonly from: Local; readonly field: Field } // take: and cut that edge
  | { readonly op: 'store' | 'give'; readonly into: Local; readonly field: Field; readonly value: Local } // give: and forget it
  | { readonly op: 'clear'; readonly local: Local }
  | { readonly op: 'cut'; readonly from: Local; readonly field: Field }
  | { readonly op: 'publish'; readonly global: number; readonly value: Local }
  | { readonly op: 'fetch' | 'grab'; readonly global: number; readonly to: Local } // grab: and clear the global
  | { readonly op: 'send'; readonly value: Local } // and forget it
  | { readonly op: 'recv'; readonly to: Local }
  | { readonly op: 'gosched' | 'gc' };

/** A whole program: its machine and what each of its goroutines does. */
export interface Program {
  readonly procs: number;
  readonly capacity: number;
  readonly workers: readonly (readonly Op[])[];
}

const local = fc.constantFrom(...locals);
const field = fc.constantFrom(...fields);
const global = fc.nat(globals - 1);
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant('new' as const), to: local }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('build' as const), to: local, depth: fc.integer({ min: 2, max: 8 }) }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constant('dig' as const), to: local, from: local, depth: fc.nat(6) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('load' as const), to: local, from: local, field }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constant('take' as const), to: local, from: local, field }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('store' as const), into: local, field, value: local }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constant('give' as const), into: local, field, value: local }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('clear' as const), local }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('cut' as const), from: local, field }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('publish' as const), global, value: local }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('fetch' as const), global, to: local }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('grab' as const), global, to: local }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('send' as const), value: local }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('recv' as const), to: local }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('gosched' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('gc' as const) }) },
);

/** Random programs: two or three goroutines, three locals each, two globals, a channel of capacity 0 to 2. */
export const programs: fc.Arbitrary<Program> = fc.record({
  procs: fc.constantFrom(1, 2),
  capacity: fc.nat(2),
  workers: fc.array(fc.array(op, { minLength: 5, maxLength: 60, size: 'max' }), { minLength: 2, maxLength: 3, size: 'max' }),
});

/** What the shadow or the profile found wrong. Findings of the runtime's own checks come as they are. */
export class Finding extends Error {
  override readonly name = 'Finding';
}

/** The heap as it should be: objects by number, who points to whom, who is held by what. 0 is nil. */
class Shadow {
  /** Pointers of each object that was made. */
  readonly edges = new Map<number, Record<Field, number>>();
  /** Where each object is, until it is freed; and back. */
  readonly addrOf = new Map<number, Addr>();
  readonly idAt = new Map<Addr, number>();
  readonly globals: number[] = new Array<number>(globals).fill(0);
  readonly locals: Record<Local, number>[] = [];
  /** Sent and not yet received. */
  readonly inFlight: number[] = [];
  /** What each goroutine's last operation brought: a root until its next blocking operation, but nothing relies on it. */
  readonly limbo: number[] = [];

  /** Objects that the roots reach; loosely: with what may be held a little longer. */
  reach(loosely: boolean): Set<number> {
    const found = new Set<number>();
    const todo = [...this.globals, ...this.inFlight, ...this.locals.flatMap((l) => Object.values(l)), ...(loosely ? this.limbo : [])];
    for (let id = todo.pop(); id !== undefined; id = todo.pop()) {
      if (id === 0 || found.has(id)) continue;
      found.add(id);
      todo.push(...Object.values(this.edges.get(id)!));
    }
    return found;
  }
}

/** How a hostile program is run. */
export interface HostileOptions {
  readonly seed: number;
  /** The runtime's own checks (heap invariants, second marking) at every phase change. */
  readonly knobs?: boolean;
  /** Whose rules; default 1.19. */
  readonly era?: Era;
  /** Compares what is published with the oracle's truth. */
  readonly profile?: boolean;
  /** A known bug of runtime/internal/faults.ts. */
  readonly fault?: keyof Faults;
  /** Breaks the machine in any other way, before the program runs. */
  readonly tamper?: (m: Machine) => void;
  /** Default: a random one of the seed. */
  readonly chooser?: Chooser;
}

/** Figures of a run that went well, so that a test can see that it tested something. */
export interface HostileRun {
  readonly cycles: number;
  readonly objects: number;
  readonly freed: number;
  /** The sum, over all publications, of bytes by which naive accounting was above the truth. */
  readonly skew: number;
}

/** Runs one program under one schedule; throws the first finding. */
export function runHostile(program: Program, options: HostileOptions): HostileRun {
  const { knobs = true, profile = true } = options;
  const rt = new Runtime({
    heapBytes: 1 << 18,
    maxGoroutines: 8,
    procs: program.procs,
    seed: options.seed,
    era: options.era ?? '1.19',
    memProfileRate: 1,
    scheme: 'three-stage',
    watch: ['cycle', 'naive'],
    checked: true,
    oracle: true,
    checkHeap: knobs,
    checkMark: knobs,
    backing: 'shared',
    chooser: options.chooser ?? new RandomChooser(options.seed),
  });
  if (options.fault !== undefined) rt.machine.faults[options.fault] = true;
  options.tamper?.(rt.machine);
  const run = new Run(rt, program, profile);
  rt.run(run.main());
  return run.finish();
}

class Run {
  private readonly shadow = new Shadow();
  private readonly w: Int32Array;
  private readonly globalWord: number;
  private nextId = 1;
  private freed = 0;
  private skew = 0;
  private working = 0;
  private progress = 0;
  /** Dead when the marking of a cycle began: free when the next one begins. */
  private doomed: number[] = [];

  constructor(
    private readonly rt: Runtime,
    private readonly program: Program,
    profile: boolean,
  ) {
    const { machine } = rt;
    this.w = machine.heap.w;
    this.globalWord = machine.globals(globals) >>> 2;
    machine.subscribe((kind, a, b) => {
      if (kind === Ev.free) this.onFree(a);
      else if (kind === Ev.gcPhase) this.onPhase(a);
      else if (kind === Ev.profileRotate && profile && b > 0) this.onPublished(b);
    });
  }

  // --- the checks ------------------------------------------------------------------------------------------------------

  private onFree(addr: Addr): void {
    const id = this.shadow.idAt.get(addr);
    if (id === undefined) return; // the runtime's own: a channel's buffer
    if (this.shadow.reach(false).has(id)) throw new Finding(`model: object ${id} is reachable and was freed`);
    this.shadow.idAt.delete(addr);
    this.shadow.addrOf.delete(id);
    this.freed++;
  }

  private onPhase(phase: number): void {
    this.checkContents();
    if (phase !== 1) return;
    for (const id of this.doomed) {
      if (this.shadow.addrOf.has(id)) throw new Finding(`model: object ${id} was garbage when the last cycle began and is not freed`);
    }
    const held = this.shadow.reach(true);
    this.doomed = [...this.shadow.addrOf.keys()].filter((id) => !held.has(id));
  }

  /** Every reachable object is where it was, with its number and its pointers. */
  private checkContents(): void {
    const { shadow, w } = this;
    for (const id of shadow.reach(false)) {
      const addr = shadow.addrOf.get(id);
      if (addr === undefined) throw new Finding(`model: object ${id} is reachable and was freed`);
      const edges = shadow.edges.get(id)!;
      const got = [w[addr >>> 2], ...fields.map((_, i) => shadow.idAt.get(w[(addr >>> 2) + 1 + i]!) ?? 0)];
      const want = [id, ...fields.map((f) => edges[f])];
      if (got.join() !== want.join()) throw new Finding(`model: object ${id} holds ${got.join()}, wanted ${want.join()}`);
    }
  }

  /** P1, P2: see profiler/schemes.ts for which truth a publication must equal. */
  private onPublished(when: number): void {
    const { machine } = this.rt;
    const { numGC, eager } = machine.gc;
    const truth = machine.oracle!.at(when === 2 || eager ? numGC : numGC - 1)!; // an eager sweep is inside the stop
    for (const scheme of ['three-stage', 'cycle'] as const)
      this.compare(scheme, truth.buckets, `${scheme} as of mark termination ${truth.numGC}`);
    this.compare('naive', machine.oracle!.existing().buckets, 'naive');
    const naive = published(machine, 'naive');
    for (const [bucket, live] of machine.oracle!.last.buckets) {
      const above = (naive.get(bucket)?.bytes ?? 0) - live.bytes;
      if (above < 0) throw new Finding(`profile: naive is ${-above} bytes below the truth`);
      this.skew += above;
    }
  }

  private compare(scheme: SchemeName, truth: ReadonlyMap<Addr, { objects: number; bytes: number }>, what: string): void {
    const got = published(this.rt.machine, scheme);
    for (const bucket of new Set([...got.keys(), ...truth.keys()])) {
      const is = got.get(bucket)?.objects ?? 0;
      const want = truth.get(bucket)?.objects ?? 0;
      if (is !== want) throw new Finding(`profile: ${what}: ${is} objects in use, wanted ${want}`);
    }
  }

  // --- the program -----------------------------------------------------------------------------------------------------

  main() {
    const run = this;
    const { program } = this;
    return function* main(go: Go) {
      const ch = go.chan(Node, program.capacity);
      program.workers.forEach((ops, me) => {
        run.shadow.locals.push({ a: 0, b: 0, c: 0 });
        run.shadow.limbo.push(0);
        run.working++;
        go.go(function* worker(go: Go) {
          yield* run.work(go, ch, me, ops);
        });
      });
      // Goroutines that wait for each other for ever are let go: a closed channel blocks nobody.
      for (let idle = 0, seen = -1, open = true; run.working > 0; ) {
        idle = run.progress === seen ? idle + 1 : 0;
        seen = run.progress;
        if (idle > 20 && open) {
          ch.close();
          open = false;
        }
        yield* go.gosched();
      }
    };
  }

  private *work(go: Go, ch: ReturnType<typeof channelOf>, me: number, ops: readonly Op[]) {
    const { shadow } = this;
    const f = go.locals({ a: Node, b: Node, c: Node });
    const mine = shadow.locals[me]!;
    for (const step of ops) {
      this.progress++;
      switch (step.op) {
        case 'gosched':
          shadow.limbo[me] = 0;
          yield* go.gosched();
          break;
        case 'gc':
          shadow.limbo[me] = 0;
          yield* go.gc();
          break;
        case 'send':
          yield* this.send(ch, me, f[step.value], () => {
            f[step.value] = null;
            mine[step.value] = 0;
          });
          break;
        case 'recv': {
          const receiving = ch.recv(); // may allocate the channel's record, before what the last operation brought is let go
          shadow.limbo[me] = 0;
          const got = yield* receiving;
          const id = got === null ? 0 : got.id;
          if (id !== 0) this.received(id);
          shadow.limbo[me] = id;
          f[step.to] = got;
          mine[step.to] = id;
          break;
        }
        default:
          this.plain(go, f, mine, step);
      }
    }
    f.a = null;
    f.b = null;
    f.c = null;
    mine.a = 0;
    mine.b = 0;
    mine.c = 0;
    shadow.limbo[me] = 0;
    this.working--;
  }

  private *send(ch: ReturnType<typeof channelOf>, me: number, value: Ref<typeof Node> | null, forget: () => void) {
    const { shadow } = this;
    const id = value === null ? 0 : value.id;
    if (id !== 0) shadow.inFlight.push(id); // before the call: the receiver may run first
    try {
      const sending = ch.send(value);
      shadow.limbo[me] = id;
      forget();
      yield* sending;
    } catch (cause) {
      if (!(cause instanceof GoPanic)) throw cause; // closed meanwhile
      forget();
      if (id !== 0) this.received(id);
    }
  }

  private received(id: number): void {
    const at = this.shadow.inFlight.indexOf(id);
    if (at < 0) throw new Finding(`model: object ${id} came out of the channel and was not in it`);
    this.shadow.inFlight.splice(at, 1);
  }

  /** Operations that cannot block. The shadow changes first: the collector may step in at the end of a store. */
  private plain(go: Go, f: Record<Local, Ref<typeof Node> | null>, mine: Record<Local, number>, step: Op): void {
    const { shadow } = this;
    const { mutator } = this.rt.machine;
    const setEdge = (from: Ref<typeof Node>, field: Field, value: Ref<typeof Node> | null) => {
      shadow.edges.get(from.id)![field] = value === null ? 0 : value.id;
      from[field] = value;
    };
    const setLocal = (name: Local, value: Ref<typeof Node> | null) => {
      f[name] = value;
      mine[name] = value === null ? 0 : value.id;
    };
    const setGlobal = (i: number, id: number, addr: Addr) => {
      shadow.globals[i] = id;
      mutator.storePointer(this.globalWord + i, addr);
    };
    switch (step.op) {
      case 'new':
        setLocal(step.to, this.newNode(go));
        break;
      case 'build':
        for (let i = 0; i < step.depth; i++) {
          const made = this.newNode(go);
          const below = f[step.to];
          setLocal(step.to, made);
          if (below !== null) setEdge(made, 'left', below); // nothing can step in before this store
        }
        break;
      case 'dig': {
        let from = f[step.from];
        for (let i = 0; i < step.depth && from?.left; i++) from = from.left; // loads only: nobody steps in
        if (!from) break;
        setLocal(step.to, from.left);
        setEdge(from, 'left', null);
        break;
      }
      case 'load':
      case 'take': {
        const from = f[step.from];
        if (from === null) break;
        setLocal(step.to, from[step.field]);
        if (step.op === 'take') setEdge(from, step.field, null);
        break;
      }
      case 'store':
      case 'give': {
        const into = f[step.into];
        if (into === null) break;
        setEdge(into, step.field, f[step.value]);
        if (step.op === 'give') setLocal(step.value, null);
        break;
      }
      case 'clear':
        setLocal(step.local, null);
        break;
      case 'cut': {
        const from = f[step.from];
        if (from !== null) setEdge(from, step.field, null);
        break;
      }
      case 'publish': {
        const value = f[step.value];
        setGlobal(step.global, mine[step.value], value === null ? 0 : value.addr);
        break;
      }
      case 'fetch':
      case 'grab': {
        const addr = this.w[this.globalWord + step.global]!;
        setLocal(step.to, addr === 0 ? null : (makeRef(go.ctx, Node, addr) as Ref<typeof Node>));
        if (step.op === 'grab') setGlobal(step.global, 0, 0);
        break;
      }
    }
  }

  private newNode(go: Go): Ref<typeof Node> {
    const { shadow } = this;
    const made = go.new(Node);
    made.id = this.nextId++;
    shadow.edges.set(made.id, { left: 0, right: 0 });
    shadow.addrOf.set(made.id, made.addr);
    shadow.idAt.set(made.addr, made.id);
    return made;
  }

  /** After the program: two quiet collections leave exactly what the globals reach. */
  finish(): HostileRun {
    const { gc } = this.rt.machine;
    gc.collect();
    gc.collect();
    this.checkContents();
    const left = [...this.shadow.addrOf.keys()].sort((a, b) => a - b).join();
    const want = [...this.shadow.reach(false)].sort((a, b) => a - b).join();
    if (left !== want) throw new Finding(`model: at the end ${left} are left, wanted ${want}`);
    return { cycles: gc.numGC, objects: this.nextId - 1, freed: this.freed, skew: this.skew };
  }
}

/** For its type only. */
function channelOf(go: Go) {
  return go.chan(Node);
}

/** One line: what went wrong. */
export function verdict(error: unknown): string {
  return error instanceof Error ? error.message.split('\n')[0]! : String(error);
}
