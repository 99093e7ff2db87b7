// checkedraw: the raw layer of checked mode. Every address is looked at before it is used, and an error says which rule of
// raw.ts was broken. The plain layer is hot and inlined, so this is a class of its own, chosen when `go.raw` is made.
//
// A frame's handle is a number that is never given twice, and its entry here knows the goroutine: a handle of another
// goroutine, or of a frame that is left, is no handle. What cannot be seen: a freed slot that is somebody else's again.
import { RType } from '../heap/types.ts';
import { FrameHead, maxFrameSlots } from '../sched/stack.ts';
import { pageSize } from './internal/memory.ts';
import { nilDereference } from './internal/throw.ts';
import { Raw, wrongType } from './raw.ts';
import { serialAt } from './value.ts';

/** A frame that enter has pushed. */
interface Entered {
  readonly goid: number;
  /** Its offset in the goroutine's stack. */
  readonly offset: number;
  readonly pc: number;
  readonly slots: number;
}

const r1 = 'R1: an address that must survive a call, an allocation or a yield is in a frame slot, in the heap or pinned';
const r3 = "R3: enter and leave pair up, and a frame's slots are reached through its handle by the goroutine that has entered it";

/** @internal go.raw in checked mode. */
export class CheckedRaw extends Raw {
  private readonly entered = new Map<number, Entered>();
  private handles = 0;

  override new(type: RType): number {
    if (!(type instanceof RType)) wrongType('raw.new', type);
    return super.new(type);
  }

  override load(addr: number, k: number): number {
    this.wantWord('raw.load', addr, k);
    return super.load(addr, k);
  }

  override store(addr: number, k: number, value: number): void {
    this.wantWord('raw.store', addr, k);
    this.wantPointer('raw.store', value);
    super.store(addr, k, value);
  }

  override enter(pc: number, n: number): number {
    const goid = this.goroutine('raw.enter');
    if (!Number.isInteger(pc) || pc <= 0) throw new RangeError(`raw.enter: got pc ${String(pc)}, wanted one made by raw.pc`);
    const offset = super.enter(pc, n);
    this.handles++;
    this.entered.set(this.handles, { goid, offset, pc, slots: n });
    return this.handles;
  }

  override leave(): void {
    const goid = this.goroutine('raw.leave');
    const offset = this.stacks.innermostFrame();
    let innermost = 0;
    for (const [handle, frame] of this.entered) {
      if (frame.goid !== goid) continue;
      if (frame.offset > offset)
        this.entered.delete(handle); // popped by a panic on its way up
      else if (frame.offset === offset) innermost = handle; // the latest, if one popped like that lay here
    }
    if (innermost === 0 || !this.isThere(this.entered.get(innermost)!)) {
      throw new TypeError(`raw.leave: the innermost frame was not pushed by raw.enter (${r3})`);
    }
    this.entered.delete(innermost);
    super.leave();
  }

  override get(frame: number, k: number): number {
    return super.get(this.wantSlot('raw.get', frame, k), k);
  }

  override set(frame: number, k: number, addr: number): void {
    const offset = this.wantSlot('raw.set', frame, k);
    this.wantPointer('raw.set', addr);
    super.set(offset, k, addr);
  }

  /** Id of the running goroutine. */
  private goroutine(who: string): number {
    const { stacks, gt } = this.ctx;
    if (stacks.running === 0) throw new TypeError(`${who}: no goroutine runs`);
    return gt.goid[stacks.running];
  }

  /** Whether the stack has that frame at its place. */
  private isThere(frame: Entered): boolean {
    const i = (this.stacks.lo + frame.offset) >>> 2;
    return this.words[i + FrameHead.pc] === frame.pc && (this.words[i + FrameHead.shape]! & maxFrameSlots) === frame.slots;
  }

  /** The offset of a frame of the running goroutine that has slot k. */
  private wantSlot(who: string, handle: number, k: number): number {
    const goid = this.goroutine(who);
    const frame = this.entered.get(handle);
    if (frame === undefined) throw new TypeError(`${who}: ${String(handle)} is no frame, or one that was left (${r3})`);
    if (frame.goid !== goid) {
      throw new TypeError(`${who}: frame ${handle} is goroutine ${frame.goid}'s, and goroutine ${goid} runs (${r3})`);
    }
    if (frame.offset > this.stacks.innermostFrame()) throw new TypeError(`${who}: frame ${handle} was left by a panic (${r3})`);
    if (!Number.isInteger(k) || k < 0 || k >= frame.slots) {
      throw new RangeError(`${who}: slot ${String(k)} of a frame with ${frame.slots} slots (${r3})`);
    }
    return frame.offset;
  }

  /** An address that may be loaded from and stored to at word k: in an object, or a global. A small one is nil's page, as in Go. */
  private wantWord(who: string, addr: number, k: number): void {
    if (!Number.isInteger(addr) || addr < 0) throw new TypeError(`${who}: got ${String(addr)}, wanted an object's address`);
    if (addr < pageSize) nilDereference();
    const { heap, gc } = this.ctx.machine;
    if (!Number.isInteger(k) || k < 0) throw new RangeError(`${who}: got word ${String(k)}, wanted a whole number, 0 or more`);
    if (!heap.isHeapAddr(addr)) {
      if (gc.roots.isGlobal(addr + k * 4)) return;
      throw new RangeError(`${who}: word ${k} at ${hex(addr)} is neither in the heap nor in a global`);
    }
    this.wantObject(who, addr);
    const base = heap.objectBase(addr);
    const size = heap.mspan.elemSize[heap.spanOf(base)];
    if (addr + k * 4 + 4 > base + size)
      throw new RangeError(`${who}: word ${k} at ${hex(addr)} is outside the object, ${size} bytes at ${hex(base)}`);
  }

  /** What may be kept as a pointer: nil, an address in an object, a global's, that of all objects of no bytes. */
  private wantPointer(who: string, addr: number): void {
    if (!Number.isInteger(addr) || addr < 0) throw new TypeError(`${who}: got ${String(addr)}, wanted an object's address or 0`);
    const { heap, gc } = this.ctx.machine;
    if (addr === 0 || heap.isZeroBase(addr) || gc.roots.isGlobal(addr)) return;
    if (!heap.isHeapAddr(addr)) throw new RangeError(`${who}: ${addr} is no object's address`);
    this.wantObject(who, addr);
  }

  private wantObject(who: string, addr: number): void {
    const base = this.ctx.machine.heap.objectBase(addr);
    if (base === 0 || serialAt(this.ctx, base) === 0)
      throw new TypeError(`${who}: no object is at ${hex(addr)}; it was freed, or never made (${r1})`);
  }
}

function hex(addr: number): string {
  return `0x${addr.toString(16)}`;
}
