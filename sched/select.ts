// select: waiting on several channels at once. Source: select.go selectgo.
//
//   pass 1   which cases could go on now? One of them, drawn, does
//   pass 2   none: a sudog of the goroutine waits at each channel, in the order of their addresses (Go's lock order)
//   pass 3   whoever serves one of them takes the others out of their queues (sudog.ts); the goroutine finds the result
//
// Go visits the cases in a random order (pollorder) and takes the first that is ready. That is a uniform choice among the
// ready ones, and so it is made here: one draw, and none when a single case is ready.

import { Choice } from '../runtime/internal/chooser.ts';
import type { Addr } from '../runtime/internal/memory.ts';
import { ElemKind, type HChannel } from './chan.ts';
import { WaitReason } from './g.ts';
import type { Op, Resumable } from './op.ts';
import type { Sched } from './proc.ts';

/** One case. */
export interface SelectCase {
  /** null: a nil channel, whose case is never ready. */
  readonly c: HChannel | null;
  readonly sends: boolean;
  /** What a send brings: an address, a number or anything. */
  readonly raw: unknown;
  /** Turns what a receive got into what the program sees; null: as it is. */
  readonly convert: ((raw: unknown) => unknown) | null;
}

/** The cases of one select, in the order of the program. A nil case counts as one of a nil channel. */
export type SelectCases = readonly (SelectCase | null | undefined)[];

/** What a select gives. */
export interface SelectResult {
  /** Which case it was; -1: none, and the select does not wait. */
  readonly index: number;
  /** What a receive got; undefined for a send. */
  readonly value: unknown;
  /** A receive: the value was sent, and is not the zero value of a closed channel. */
  readonly ok: boolean;
}

const none: SelectResult = { index: -1, value: undefined, ok: false };

/** The selects of one machine. */
export class Selects implements Resumable {
  /** Cases that are ready, and cases in the order of their channels: scratch of one select. */
  private readonly ready: number[] = [];
  private readonly order: number[] = [];
  /** By case: its channel, and what it sends. */
  private readonly addrs: Addr[] = [];
  private readonly raws: unknown[] = [];
  /** Roots of the values of one select. */
  private readonly held: number[] = [];

  constructor(
    private readonly sched: Sched,
    /** Whoever waits may be woken for nothing. */
    private readonly era2014: boolean,
  ) {}

  /** Waits for one case. */
  select(cases: SelectCases): Op {
    const { sched } = this;
    const op = this.begin(cases);
    try {
      if (this.selectFor(op, cases)) sched.settled(op);
    } catch (panic) {
      op.inFlight = false; // a send on a closed channel, a stale reference: nothing is left to await
      throw panic;
    }
    op.convertBy(result);
    return op;
  }

  protected begin(cases: SelectCases): Op {
    const op = this.sched.begin();
    op.cases = cases;
    return op;
  }

  /** Waits for one case with an operation that has begun. True: it is served. False: op waits. */
  protected selectFor(op: Op, cases: SelectCases): boolean {
    try {
      this.holdValues(cases);
      op.selected = this.poll(cases, op);
      if (op.selected >= 0) return true;
      this.wait(op, cases);
      return false;
    } finally {
      this.dropValues();
    }
  }

  /** Serves a case that is ready, or none. A select with a default. */
  trySelect(cases: SelectCases): SelectResult {
    let index: number;
    try {
      this.holdValues(cases);
      index = this.poll(cases, received);
    } finally {
      this.dropValues();
    }
    if (index < 0) return none;
    const k = cases[index]!;
    const { value, ok } = received;
    received.value = undefined;
    if (k.sends) return { index, value: undefined, ok: false };
    return { index, value: k.convert === null ? value : k.convert(value), ok };
  }

  /** A channel's record may have to be made, which may run the collector: roots the pointers that are to be sent. */
  private holdValues(cases: SelectCases): void {
    for (let k = 0; k < cases.length; k++) {
      const one = cases[k];
      if (one?.sends && one.c?.kind === ElemKind.pointer) this.held.push(this.sched.holds.hold(one.raw as Addr));
    }
  }

  private dropValues(): void {
    if (this.held.length === 0) return;
    for (let slot = this.held.pop(); slot !== undefined; slot = this.held.pop()) this.sched.holds.drop(slot);
  }

  /** Pass 1: serves one of the ready cases and says which; -1: none is ready. */
  private poll(cases: SelectCases, into: { value: unknown; ok: boolean }): number {
    const { ready } = this;
    let n = 0;
    for (let k = 0; k < cases.length; k++) {
      const one = cases[k];
      if (one === null || one === undefined || one.c === null) continue;
      if (one.sends ? one.c.canSend() : one.c.canRecv()) ready[n++] = k;
    }
    if (n === 0) return -1;
    const index = ready[n === 1 ? 0 : this.sched.chooser.choose(Choice.selectOrder, n, -1)]!;
    const { c, sends, raw } = cases[index]!;
    if (sends) c!.trySend(raw);
    else c!.tryRecv(into);
    return index;
  }

  /** Pass 2. */
  private wait(op: Op, cases: SelectCases): void {
    const { order, addrs, raws, sched } = this;
    let n = 0;
    let sending = false;
    for (let k = 0; k < cases.length; k++) {
      const one = cases[k];
      if (one === null || one === undefined || one.c === null) continue;
      const { addr } = one.c;
      addrs[k] = addr;
      if (one.sends) {
        sending = true;
        raws[k] = one.raw;
      }
      let at = n++;
      for (; at > 0 && addrs[order[at - 1]!]! > addr; at--) order[at] = order[at - 1]!;
      if (at > 0 && addrs[order[at - 1]!] === addr) at = this.drawTurn(addr, at);
      order[at] = k;
    }
    if (this.era2014) op.goesOn(this);
    sched.block(op, n === 0 ? WaitReason.selectNoCases : WaitReason.select);
    for (let at = 0; at < n; at++) {
      const k = order[at]!;
      const { c, sends } = cases[k]!;
      const sg = sched.sudogs.acquire(op, k);
      if (sends) c!.enqueueSend(sg, raws[k]);
      else c!.enqueueRecv(sg);
    }
    if (sending) raws.length = 0;
  }

  /** The place of a case among those of the same channel, which end before `end`: their order is drawn as well. */
  private drawTurn(addr: Addr, end: number): number {
    const { order, addrs } = this;
    let same = 0;
    while (same < end && addrs[order[end - 1 - same]!] === addr) same++;
    const place = end - this.sched.chooser.choose(Choice.selectOrder, same + 1, -1);
    for (let at = end; at > place; at--) order[at] = order[at - 1]!;
    return place;
  }

  /** The goroutine runs again. Only a buffered channel of 2014 wakes one for nothing: then all begins anew. */
  resume(op: Op): boolean {
    if (op.selected >= 0) return true;
    op.selected = this.poll(op.cases!, op);
    if (op.selected >= 0) return true;
    this.wait(op, op.cases!);
    return false;
  }
}

/** Where a select that does not wait puts what it got. */
const received = { value: undefined as unknown, ok: false };

/** @internal What a select gives. */
export function result(raw: unknown, op: Op): SelectResult {
  const one = op.cases![op.selected]!;
  op.cases = null;
  if (one.sends) return { index: op.selected, value: undefined, ok: false };
  return { index: op.selected, value: one.convert === null ? raw : one.convert(raw), ok: op.ok };
}
