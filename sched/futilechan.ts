// futilechan: the buffered channels of 2014, which wake whoever may have something to do and hand over nothing.
import type { Addr } from '../runtime/internal/memory.ts';
import { chanPanic } from '../runtime/internal/throw.ts';
import { ElemKind, HChannel, type Received } from './chan.ts';
import { WaitReason } from './g.ts';
import type { Op } from './op.ts';
import type { Sudog, WaitQueue } from './sudog.ts';

/**
 * A buffered channel of 2014: nothing is handed over. Who waits is woken when there may be something for it, and looks again;
 * somebody else may have been faster (a futile wake-up), and then it waits once more, at the end of the queue.
 * Source: chan.go of 2014-09, the asynchronous half of chansend and chanrecv.
 */
export class FutileChannel extends HChannel {
  private readonly sending = { resume: (op: Op): boolean => this.sendAgain(op) };
  private readonly receiving = { resume: (op: Op): boolean => this.recvAgain(op) };

  override enqueueSend(sg: Sudog, value: unknown): void {
    super.enqueueSend(sg, value);
    if (sg === sg.op) sg.op.goesOn(this.sending);
  }

  override enqueueRecv(sg: Sudog): void {
    super.enqueueRecv(sg);
    if (sg === sg.op) sg.op.goesOn(this.receiving);
  }

  /** Who waits does not help: nothing is handed over. */
  override canSend(): boolean {
    this.touch();
    return this.isClosed || this.count < this.capacity;
  }

  override canRecv(): boolean {
    this.touch();
    return this.isClosed || this.count > 0;
  }

  protected override offer(value: unknown): boolean {
    if (this.count >= this.capacity) return false;
    this.putBuf(value);
    this.wakeOne(this.recvq);
    return true;
  }

  protected override poll(into: Received, closed: unknown): boolean {
    into.ok = this.count > 0;
    if (!into.ok) {
      into.value = closed;
      return this.isClosed;
    }
    into.value = this.takeBuf();
    this.emptied();
    this.wakeOne(this.sendq);
    return true;
  }

  /** Wakes the first waiter, with what it brought: it has to try again. */
  private wakeOne(queue: WaitQueue): void {
    const sg = this.serve(queue);
    if (sg === null) return;
    const { op } = sg;
    op.selected = -1; // no case of a select has fired
    if (queue === this.sendq) {
      op.value = this.takeElem(sg);
      if (this.kind === ElemKind.pointer) this.bring(op, op.value as Addr);
    }
    this.sched.ready(op, true);
  }

  private sendAgain(op: Op): boolean {
    this.touch();
    if (op.error !== null) return true; // closed meanwhile
    if (this.closed) op.fails(chanPanic('send on closed channel', true));
    else if (!this.offer(op.value)) {
      this.sched.block(op, WaitReason.chanSend);
      this.enqueueSend(op, op.value);
      return false;
    }
    op.value = undefined;
    return true;
  }

  private recvAgain(op: Op): boolean {
    this.touch();
    if (this.poll(op, op.ifClosed)) return true;
    this.sched.block(op, WaitReason.chanReceive);
    this.enqueueRecv(op);
    return false;
  }
}
