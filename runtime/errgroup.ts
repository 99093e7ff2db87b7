// errgroup: goroutines that work on parts of one thing, and the first error of them. Source: golang.org/x/sync/errgroup.
//
//     const [group, ctx] = errgroup.withContext(context.background(go));
//     group.setLimit(4);
//     for (const url of urls) yield* group.go(function* (go) { … return error or nothing … });
//     const err = yield* group.wait();

import type { Blocking } from '../sched/op.ts';
import type { WaitGroup } from '../sched/waitgroup.ts';
import type { Chan } from './chan.ts';
import type { Go } from './go.ts';
import { type CancelFunc, type Context, type GoError, withCancel } from './gocontext.ts';
import { panic } from './panic.ts';
import { bool } from './struct.ts';

/** A part of the work: what it returns, if anything, is an error. */
// biome-ignore lint/suspicious/noConfusingVoidType: a generator without a return statement returns void
export type Task = (go: Go) => Generator<void, GoError | null | void, void>;

/** Goroutines that work together. Go's errgroup.Group. */
export class Group {
  private readonly wg: WaitGroup;
  /** As many values in it as goroutines of the group are active; null: there is no limit. */
  private sem: Chan<boolean> | null = null;
  private first: GoError | null = null;

  /** go: any goroutine's. */
  constructor(
    private readonly own: Go,
    private readonly cancel: CancelFunc | null = null,
  ) {
    this.wg = own.waitGroup();
  }

  /** Starts a goroutine of the group; waits until the limit allows it. `yield*` it. Go's Go. */
  go(task: Task): Blocking<void> {
    return this.own.ctx.sched.blocking(() => this.starting(task));
  }

  private *starting(task: Task): Generator<void, void, void> {
    if (this.sem !== null) yield* this.sem.send(true);
    this.start(task);
  }

  /** Starts a goroutine of the group if the limit allows it now; says whether it did. */
  tryGo(task: Task): boolean {
    if (this.sem !== null && !this.sem.trySend(true)) return false;
    this.start(task);
    return true;
  }

  private start(task: Task): void {
    this.wg.add(1);
    this.own.go(member, this, task);
  }

  /** @internal A goroutine of the group has returned an error. */
  failed(error: GoError): void {
    if (this.first !== null) return;
    this.first = error;
    this.cancel?.();
  }

  /** @internal A goroutine of the group has ended, in whatever way. */
  ended(): void {
    this.sem?.tryRecv();
    this.wg.done();
  }

  /** Waits for all goroutines of the group; gives the first error that one of them returned. `yield*` it. */
  wait(): Blocking<GoError | null> {
    return this.own.ctx.sched.blocking(() => this.waiting());
  }

  private *waiting(): Generator<void, GoError | null, void> {
    yield* this.wg.wait();
    this.cancel?.();
    return this.first;
  }

  /** At most n active goroutines; negative: no limit. Panics while any is active. RangeError: no whole number. */
  setLimit(n: number): void {
    if (!Number.isInteger(n)) throw new RangeError(`errgroup: setLimit: got ${String(n)}, wanted a whole number, negative for no limit`);
    const active = this.sem?.length ?? 0;
    if (active !== 0) panic(`errgroup: modify limit while ${active} goroutines in the group are still active`);
    this.sem = n < 0 ? null : this.own.chan(bool, n);
  }
}

/** What a goroutine of a group does. A panic of the task ends the program, as in Go. */
function* member(go: Go, group: Group, task: Task): Generator<void, void, void> {
  go.defer(() => group.ended());
  const error = (yield* task(go)) ?? null;
  if (error !== null) group.failed(error);
}

/** A group, and a context that is cancelled when one of its goroutines returns an error, or when wait returns. Go's WithContext. */
export function withContext(parent: Context): [group: Group, ctx: Context] {
  const [ctx, cancel] = withCancel(parent);
  return [new Group(parent.go, cancel), ctx];
}
