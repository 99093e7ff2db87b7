// channels: what makes channels, of either era, and the nil channel.
import type { RType } from '../heap/types.ts';
import { pageSize } from '../runtime/internal/memory.ts';
import { gopanic } from '../runtime/internal/throw.ts';
import { ElemKind, HChan, HChannel } from './chan.ts';
import { FutileChannel } from './futilechan.ts';
import { WaitReason } from './g.ts';
import type { Op } from './op.ts';
import type { Sched } from './proc.ts';

/** Most values of JavaScript that a buffer holds; other buffers are limited by the heap. */
const maxHosts = 1 << 24;

/** What all channels of a machine share. */
export class Channels {
  /** Without and with a pointer to a buffer. */
  private readonly plain: RType;
  private readonly withBuf: RType;
  readonly pointerBuf: RType;
  readonly nil: NilChannel;

  constructor(
    readonly sched: Sched,
    /** As in 2014: who waits on a buffered channel is woken to try again, and panics are plain strings. */
    readonly era2014: boolean,
  ) {
    this.nil = new NilChannel(sched);
    const { types } = sched.heap;
    this.plain = types.define('runtime.hchan', HChan.words * 4, []);
    this.withBuf = types.define('runtime.hchan of pointers', HChan.words * 4, [HChan.buf]);
    this.pointerBuf = types.define('chan buffer of pointers', 4, [0]);
  }

  /** Source: makechan. Panics with Go's words when the capacity is out of range. */
  make(kind: ElemKind, capacity: number): HChannel {
    const { sched } = this;
    const most = kind === ElemKind.host ? maxHosts : Math.floor((sched.heap.pages.limit * pageSize) / (kind === ElemKind.number ? 8 : 4));
    if (!Number.isInteger(capacity) || capacity < 0 || capacity > most) gopanic('makechan: size out of range');
    const type = kind === ElemKind.pointer && capacity > 0 ? this.withBuf : this.plain;
    const bytes = HChan.words * 4 + (kind === ElemKind.number ? capacity * 8 : 0);
    const c = this.newChannel(type, bytes, kind, capacity);
    c.make();
    return c;
  }

  protected newChannel(type: RType, bytes: number, kind: ElemKind, capacity: number): HChannel {
    if (this.era2014 && capacity > 0) return new FutileChannel(this, type, bytes, kind, capacity);
    return new HChannel(this, type, bytes, kind, capacity);
  }
}

/** The nil channel: nothing comes and nothing goes. */
export class NilChannel {
  readonly length = 0;
  readonly capacity = 0;

  constructor(private readonly sched: Sched) {}

  send(): Op {
    return this.sched.park(WaitReason.chanSendNil);
  }
  recv(): Op {
    return this.sched.park(WaitReason.chanReceiveNil);
  }
  recvOr(): Op {
    return this.recv();
  }
  sendNow(): boolean {
    return false;
  }
  recvNow(): unknown {
    return undefined;
  }
  trySend(): boolean {
    return false;
  }
  tryRecv(): boolean {
    return false;
  }
  close(): void {
    gopanic('close of nil channel');
  }
}
