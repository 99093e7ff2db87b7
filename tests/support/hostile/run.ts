// run: one hostile program on the public API, every operation of which is a choice point, so that the collector may do a step,
// begin a cycle or end one between any two of them; beside it the shadow, which knows what must be alive and what must be dead.
// The first thing that is wrong is thrown. Its oracles (docs/invariants.md has the table):
//
//   R    the shadow: no reachable object is freed or changed; finalizers run once, on dead objects; weak pointers tell the truth
//   P6   the published profile is the truth as of one mark termination, in all buckets at once
//   P7   no bucket has more frees than mallocs in it
//   P8   at rate 1 the block profile adds up to the time that goroutines waited for each other
//   Q    a cycle ends within so many steps, and what was garbage at its beginning is free at the next
//
// and, with checks on, the runtime's own: every numbered invariant at each phase change, M2 after every step of the marking.

import type { Weak } from '../../../runtime/final.ts';
import {
  type Chan,
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
} from '../../../runtime/index.ts';
import { Ev } from '../../../runtime/internal/events.ts';
import type { Addr } from '../../../runtime/internal/memory.ts';
import { GoPanic } from '../../../runtime/internal/throw.ts';
import { makeRef } from '../../../runtime/struct.ts';
import type { HChannel } from '../../../sched/chan.ts';
import { published } from '../profile.ts';
import { WaitIntegral } from '../waits.ts';
import { blobs, type Field, globals, type Local, type Op, type Program } from './program.ts';
import { Finding, Shadow } from './shadow.ts';

const Node = struct('hostile.Node', { id: i32, left: self, right: self });
/** Begins like a Node, so that a pointer to one may lead to it. */
const Wide = struct('hostile.Wide', { id: i32, left: self, right: self, ...padding(12), far: self });
const farWord = Wide.wordOf.far;

function padding(words: number): Record<`pad${number}`, typeof i32> {
  return Object.fromEntries(Array.from({ length: words }, (_, i) => [`pad${i}`, i32]));
}

type Held = Ref<typeof Node> | null;
type NodeChan = Chan<Held>;
type Frame = Record<Local | 'x' | 'y', Held>;

/** Bytes of a large object, and how far inside it the pointer leads that holds it. */
const blobBytes = 40_000;
const blobInside = 20_008;
/** Steps of a marking before it counts as endless: a program has a few hundred objects. */
const mostSteps = 20_000;

/** How a hostile program is run. */
export interface HostileOptions {
  readonly seed: number;
  /** The runtime's own checks: heap invariants and a second marking at every phase change, M2 after every step. Default true. */
  readonly checks?: boolean;
  /** Whose rules; default 1.19. */
  readonly era?: Era;
  /** Breaks the runtime before the program runs. */
  readonly tamper?: (rt: Runtime) => void;
  /** Keeps the operands of a pointer store in the goroutine's frame until the next one, as a compiler's registers would be. */
  readonly holdOperands?: boolean;
  /** Default: a random one of the seed. */
  readonly chooser?: Chooser;
}

/** Figures of a run that went well, so that a test can see that it tested something. */
export interface HostileRun {
  readonly cycles: number;
  readonly objects: number;
  readonly freed: number;
  /** Finalizers that ran. */
  readonly finalized: number;
  /** The sum, over all publications, of bytes by which naive accounting was above the truth. */
  readonly skew: number;
}

/** Runs one program under one schedule; throws the first finding. */
export function runHostile(program: Program, options: HostileOptions): HostileRun {
  const { checks = true } = options;
  const rt = new Runtime({
    heapBytes: 3 << 17,
    maxGoroutines: 8,
    procs: program.procs,
    seed: options.seed,
    era: options.era ?? '1.19',
    memProfileRate: 1,
    blockProfileRate: 1,
    scheme: 'three-stage',
    watch: ['cycle', 'naive'],
    checked: true,
    oracle: true,
    checkHeap: checks,
    checkMark: checks,
    backing: 'shared',
    chooser: options.chooser ?? new RandomChooser(options.seed),
  });
  rt.machine.gc.knobs.checkColours = checks;
  const waits = new WaitIntegral(rt.machine);
  options.tamper?.(rt);
  const run = new Run(rt, program, options.holdOperands ?? false, checks);
  rt.run(run.main());
  const wrong = waits.finding();
  if (wrong !== null) throw new Finding(wrong);
  return run.finish();
}

/** A goroutine in the shadow. */
class Worker {
  readonly locals: Record<Local, number> = { a: 0, b: 0, c: 0 };
  /** Where it sends and receives. */
  ch: NodeChan;
  /** What the last blocking operation brought; container, value and old value of the last store. */
  readonly limbo = [0, 0, 0, 0];

  constructor(ch: NodeChan) {
    this.ch = ch;
  }

  end(): void {
    Object.assign(this.locals, { a: 0, b: 0, c: 0 });
    this.limbo.fill(0);
  }
}

class Run {
  private readonly shadow = new Shadow();
  private readonly w: Int32Array;
  private readonly globalWord: number;
  private readonly weaks: (Weak<typeof Node> | null)[] = [];
  private readonly weakIds: number[] = [];
  private readonly blobType;
  private nextId = 1;
  private freed = 0;
  private finalized = 0;
  private skew = 0;
  private working = 0;
  private progress = 0;
  private steps = 0;
  private closed = false;
  /** Dead when the marking of a cycle began: free when the next one begins. */
  private doomed = new Set<number>();
  /** The last finalized object: its finalizer's frame may hold it. */
  private readonly lastFinalized: number[] = [];
  private readonly channels: NodeChan[] = [];
  /** The object that is being stored into while the collector may step in; 0: none. */
  private storing = 0;

  constructor(
    private readonly rt: Runtime,
    private readonly program: Program,
    private readonly holdOperands: boolean,
    private readonly checks: boolean,
  ) {
    const { machine } = rt;
    this.w = machine.heap.w;
    this.globalWord = machine.globals(globals + blobs) >>> 2;
    this.blobType = machine.heap.types.define('hostile.blob', 8, []);
    this.shadow.limbo.push(this.lastFinalized);
    machine.subscribe((kind, a, b) => {
      if (kind === Ev.free) this.freed += this.shadow.freed(a) === 0 ? 0 : 1;
      else if (kind === Ev.gcPhase) this.onPhase(a);
      else if (kind === Ev.profileRotate && b > 0) this.onPublished(b);
    });
    const step = machine.gc.step.bind(machine.gc);
    machine.gc.step = (objects) => {
      if (++this.steps > mostSteps) throw new Finding(`Q: marking has taken ${mostSteps} steps and goes on`);
      return step(objects);
    };
  }

  // --- the checks ------------------------------------------------------------------------------------------------------

  private onPhase(phase: number): void {
    this.checkContents();
    this.steps = 0;
    if (phase !== 1) return;
    for (const id of this.doomed) {
      if (this.shadow.addrOf.has(id)) throw new Finding(`Q: object ${id} was garbage when the last cycle began and is not freed`);
    }
    const held = this.shadow.reach(true);
    this.doomed = new Set([...this.shadow.addrOf.keys()].filter((id) => !held.has(id)));
  }

  /** Every reachable object is where it was, with its number and its pointers. */
  private checkContents(): void {
    const { shadow, w } = this;
    const idAt = (word: number) => shadow.idAt.get(w[word]!) ?? 0;
    for (const id of shadow.reach(false)) {
      const addr = shadow.addrOf.get(id);
      if (addr === undefined) throw new Finding(`R: object ${id} is reachable and was freed`);
      if (id === this.storing) continue; // it holds the old value or the new one
      const { left, right, far } = shadow.edges.get(id)!;
      const first = addr >>> 2;
      const got = [w[first], idAt(first + 1), idAt(first + 2), far === 0 ? 0 : idAt(first + farWord)].join();
      const want = [id, left, right, far].join();
      if (got !== want) throw new Finding(`R: object ${id} holds ${got}, wanted ${want}`);
    }
  }

  /** K1 and K2, between two operations. */
  private checkChannels(): void {
    for (const ch of this.checks ? this.channels : []) {
      const findings = (ch['c'] as HChannel).findings();
      if (findings.length > 0) throw new Finding(findings.join('; '));
    }
  }

  /** See profiler/schemes.ts for which truth a publication must equal. */
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
      if (above < 0) throw new Finding(`P6: naive is ${-above} bytes below the truth`);
      this.skew += above;
    }
  }

  private compare(scheme: SchemeName, truth: ReadonlyMap<Addr, { objects: number; bytes: number }>, what: string): void {
    const got = published(this.rt.machine, scheme);
    for (const [bucket, { objects }] of got) {
      if (objects < 0) throw new Finding(`P7: ${what}: ${-objects} frees more than mallocs in bucket ${bucket}`);
    }
    for (const bucket of new Set([...got.keys(), ...truth.keys()])) {
      const is = got.get(bucket)?.objects ?? 0;
      const want = truth.get(bucket)?.objects ?? 0;
      if (is !== want) throw new Finding(`P6: ${what}: ${is} objects in use, wanted ${want}`);
    }
  }

  // --- the program -----------------------------------------------------------------------------------------------------

  main() {
    const run = this;
    const { program } = this;
    return function* main(go: Go) {
      const ch = go.chan(Node, program.capacity);
      run.channels.push(ch);
      for (const ops of program.workers) {
        const me = new Worker(ch);
        run.shadow.locals.push(me.locals);
        run.shadow.limbo.push(me.limbo);
        run.working++;
        go.go(function* worker(go: Go) {
          yield* run.work(go, me, ops);
        });
      }
      // Goroutines that wait for each other for ever are let go: a closed channel blocks nobody. One made later is closed at once.
      for (let idle = 0, seen = -1; run.working > 0; ) {
        idle = run.progress === seen ? idle + 1 : 0;
        seen = run.progress;
        run.checkChannels();
        if (idle > 5000) throw new Finding('Q: a goroutine waits for ever on a closed channel');
        if (idle > 20 && !run.closed) {
          for (const each of run.channels) each.close();
          run.closed = true;
        }
        yield* go.gosched();
      }
    };
  }

  private *work(go: Go, me: Worker, ops: readonly Op[]) {
    const f: Frame = go.locals({ x: Node, y: Node, a: Node, b: Node, c: Node });
    for (const step of ops) {
      this.progress++;
      this.checkChannels();
      switch (step.op) {
        case 'gosched':
          me.limbo[0] = 0;
          yield* go.gosched();
          break;
        case 'gc':
          me.limbo[0] = 0;
          yield* go.gc();
          break;
        case 'send':
          yield* this.send(me, f, step.value);
          break;
        case 'mail':
          this.newChannel(go, me);
          yield* this.send(me, f, step.value);
          break;
        case 'recv': {
          const receiving = me.ch.recv(); // may allocate the channel's record, before what the last operation brought is let go
          me.limbo[0] = 0;
          const got = yield* receiving;
          const id = got === null ? 0 : got.id;
          if (id !== 0) this.received(id);
          me.limbo[0] = id;
          f[step.to] = got;
          me.locals[step.to] = id;
          break;
        }
        default:
          this.plain(go, f, me, step);
      }
    }
    for (const name of ['x', 'y', 'a', 'b', 'c'] as const) f[name] = null;
    me.end();
    this.working--;
  }

  /** Sends what a local holds and forgets it. */
  private *send(me: Worker, f: Frame, name: Local) {
    const { shadow } = this;
    const value = f[name];
    const forget = () => {
      f[name] = null;
      me.locals[name] = 0;
    };
    const id = value === null ? 0 : value.id;
    if (id !== 0) shadow.inFlight.push(id); // before the call: the receiver may run first
    try {
      const sending = me.ch.send(value);
      me.limbo[0] = id;
      forget();
      yield* sending;
    } catch (cause) {
      if (!(cause instanceof GoPanic)) throw cause; // closed meanwhile
      forget();
      if (id !== 0) this.received(id);
    }
  }

  private newChannel(go: Go, me: Worker): void {
    me.ch = go.chan(Node, 2);
    this.channels.push(me.ch);
    if (me.ch.length !== 0) throw new Finding('R: a new channel is not empty'); // makes its record now, before a value comes
    if (this.closed) me.ch.close();
  }

  private received(id: number): void {
    const at = this.shadow.inFlight.indexOf(id);
    if (at < 0) throw new Finding(`R: object ${id} came out of the channel and was not in it`);
    this.shadow.inFlight.splice(at, 1);
  }

  /** Operations that cannot block. The shadow changes first: the collector may step in at the end of a store. */
  private plain(go: Go, f: Frame, me: Worker, step: Op): void {
    const { shadow, rt } = this;
    const setLocal = (name: Local, value: Held) => {
      f[name] = value;
      me.locals[name] = value === null ? 0 : value.id;
    };
    const setEdge = (from: Ref<typeof Node>, field: Field, value: Held) => {
      this.hold(f, me, from, value, shadow.edges.get(from.id)![field]);
      shadow.edges.get(from.id)![field] = value === null ? 0 : value.id;
      from[field] = value;
      this.storing = 0;
    };
    const setGlobal = (i: number, value: Held) => {
      this.hold(f, me, null, value, shadow.globals[i]!);
      shadow.globals[i] = value === null ? 0 : value.id;
      rt.machine.mutator.storePointer(this.globalWord + i, value === null ? 0 : value.addr);
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
        setLocal(step.to, null);
        break;
      case 'cut': {
        const from = f[step.from];
        if (from !== null) setEdge(from, step.field, null);
        break;
      }
      case 'publish':
        setGlobal(step.global, f[step.value]);
        break;
      case 'fetch':
      case 'grab':
        setLocal(step.to, this.nodeAt(go, this.w[this.globalWord + step.global]!));
        if (step.op === 'grab') setGlobal(step.global, null);
        break;
      case 'wide': {
        const made = this.newNode(go, true);
        const below = f[step.to];
        setLocal(step.to, made);
        if (below !== null) this.setFar(f, me, made, below);
        break;
      }
      case 'far': {
        const from = f[step.from];
        if (from === null || shadow.edges.get(from.id)!.far === 0) break;
        setLocal(step.to, this.nodeAt(go, this.w[(from.addr >>> 2) + farWord]!));
        this.setFar(f, me, from, null);
        break;
      }
      case 'chan':
        this.newChannel(go, me);
        break;
      case 'begin':
        if (rt.machine.gc.idle) rt.machine.gc.start(false);
        break;
      case 'assist':
        while (rt.machine.gc.marking) rt.machine.gc.step(1);
        break;
      case 'blob':
        this.newBlob(go, f, me, step.blob);
        break;
      case 'weaken':
      case 'loosen': {
        const from = f[step.from];
        this.weaks[step.weak] = from === null ? null : go.weak(from);
        this.weakIds[step.weak] = from === null ? 0 : from.id;
        if (step.op === 'loosen') setLocal(step.from, null);
        break;
      }
      case 'lift':
        setLocal(step.to, this.lift(step.weak));
        break;
      case 'finalize':
      case 'revive': {
        const from = f[step.from];
        if (from !== null) this.setFinalizer(go, from, step.op === 'revive' ? step.global : -1);
        break;
      }
    }
  }

  /** The operands of a store (container, value) stay in the frame, as they would in registers; old: what it overwrites. */
  private hold(f: Frame, me: Worker, from: Held, value: Held, old: number): void {
    if (!this.holdOperands) return;
    f.x = from;
    f.y = value;
    me.limbo[1] = from === null ? 0 : from.id;
    me.limbo[2] = value === null ? 0 : value.id;
    me.limbo[3] = old;
    this.storing = me.limbo[1];
  }

  private setFar(f: Frame, me: Worker, from: Ref<typeof Node>, value: Held): void {
    const edges = this.shadow.edges.get(from.id)!;
    this.hold(f, me, from, value, edges.far);
    edges.far = value === null ? 0 : value.id;
    this.rt.machine.mutator.storePointer((from.addr >>> 2) + farWord, value === null ? 0 : value.addr);
    this.storing = 0;
  }

  private newNode(go: Go, wide = false): Ref<typeof Node> {
    const made = wide ? this.nodeAt(go, go.new(Wide).addr)! : go.new(Node);
    made.id = this.nextId++;
    this.shadow.made(made.id, made.addr);
    return made;
  }

  /** A reference to the node at an address that was found in memory. */
  private nodeAt(go: Go, addr: Addr): Held {
    return addr === 0 ? null : (makeRef(go.ctx, Node, addr) as Ref<typeof Node>);
  }

  private newBlob(go: Go, f: Frame, me: Worker, i: number): void {
    const { shadow } = this;
    const { mutator } = this.rt.machine;
    const addr = mutator.mallocgc(blobBytes, this.blobType);
    const id = this.nextId++;
    this.w[addr >>> 2] = id;
    shadow.made(id, addr);
    this.hold(f, me, null, this.nodeAt(go, addr), shadow.blobs[i]!);
    shadow.blobs[i] = id;
    mutator.storePointer(this.globalWord + globals + i, addr + blobInside);
  }

  private lift(i: number): Held {
    const { shadow } = this;
    const id = this.weakIds[i] ?? 0;
    const found = this.weaks[i]?.value() ?? null;
    if (found === null) {
      if (id !== 0 && shadow.reach(false).has(id)) throw new Finding(`R: a weak pointer to object ${id} reads nil, and it is reachable`);
      return null;
    }
    if (id !== 0 && found.id !== id) throw new Finding(`R: a weak pointer to object ${id} leads to ${found.id}`);
    for (const kept of shadow.closure([id])) this.doomed.delete(kept); // it lives again
    return found;
  }

  /** global: where the finalizer publishes its object; -1 for nowhere. */
  private setFinalizer(go: Go, ref: Ref<typeof Node>, global: number): void {
    const { shadow } = this;
    const { id } = ref;
    if (shadow.finalizable.has(id)) return;
    go.setFinalizer(ref, (object) => {
      shadow.finalized(id);
      this.finalized++;
      this.weakIds.forEach((to, i) => {
        if (to === id) this.weakIds[i] = 0; // a weak pointer reads nil before the finalizer runs, and for good
      });
      this.lastFinalized[0] = id;
      if (object.id !== id) throw new Finding(`R: the finalizer of object ${id} was called with ${object.id}`);
      if (global < 0) return;
      this.lastFinalized[1] = shadow.globals[global]!; // overwritten, but perhaps not yet
      shadow.globals[global] = id;
      this.rt.machine.mutator.storePointer(this.globalWord + global, object.addr);
    });
    shadow.finalizable.add(id);
  }

  /** After the program: two quiet collections leave exactly what the globals reach, and what finalizers that are due hold. */
  finish(): HostileRun {
    const { gc } = this.rt.machine;
    this.lastFinalized.length = 0;
    gc.collect();
    gc.collect();
    this.checkContents();
    const left = [...this.shadow.addrOf.keys()].sort((a, b) => a - b).join();
    const want = [...this.shadow.reach(true)].sort((a, b) => a - b).join();
    if (left !== want) throw new Finding(`Q: at the end ${left} are left, wanted ${want}`);
    const { freed, finalized, skew } = this;
    return { cycles: gc.numGC, objects: this.nextId - 1, freed, finalized, skew };
  }
}
