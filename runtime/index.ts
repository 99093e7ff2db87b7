// gorena: a Go-style runtime that you can see through. This file is the public face; nothing else is public.
//
//   typed layer   struct, func, Runtime.run, go.chan …     what a program is written with
//   raw layer     Machine, settings                        addresses and explicit roots, for data structures and tools
//   profile       MemProfileRecord, schemes
//   choices       strategies that decide what could go either way

export { type SweepPolicy, sweepPolicies } from '../gc/mgcsweep.ts';
export type { Truth } from '../gc/oracle.ts';
export { checkHeap, heapFindings } from '../heap/check.ts';
export { pageMap, slotMap } from '../heap/dump.ts';
export type { Explanation, Holder, ObjectFacts, SpanFacts } from '../heap/explain.ts';
export { type ProfileName, profileNames } from '../profiler/profile.ts';
export {
  type BlockProfileRecord,
  inUseBytes,
  inUseObjects,
  type MemProfileRecord,
  type ProfileAnswer,
  type StackRecord,
} from '../profiler/records.ts';
export { allSchemeNames, bugSchemeNames, type SchemeName, schemeNames } from '../profiler/schemes.ts';
export type { Atomic, Cell } from '../sched/cell.ts';
export type { Cond } from '../sched/cond.ts';
export type { Locker, Mutex } from '../sched/mutex.ts';
export type { Once } from '../sched/once.ts';
export type { Blocking } from '../sched/op.ts';
export type { RWMutex } from '../sched/rwmutex.ts';
export type { Semaphore } from '../sched/sema.ts';
export type { WaitGroup } from '../sched/waitgroup.ts';
export { addrOf, type FieldPointer } from './addrof.ts';
export { type ArrayField, ArrayRef, array } from './array.ts';
export { callSite } from './callsite.ts';
export {
  Chan,
  type ElemType,
  type ElemValue,
  type RecvCase,
  type RecvChan,
  type Selected,
  type SendCase,
  type SendChan,
  type TrySelected,
} from './chan.ts';
export * as errgroup from './errgroup.ts';
export {
  type EventLog,
  type EventLogHead,
  type EventRecord,
  eventLogVersion,
  readEventLog,
  type SymbolRecord,
  type TypeRecord,
} from './eventlog.ts';
export { type Cleanup, Weak } from './final.ts';
export type { Caller, Frame, Func, Locals } from './func.ts';
export { func } from './func.ts';
export { type BlockingFunc, gofunc } from './genfunc.ts';
export { Go, type GoFunc } from './go.ts';
export type { GoError } from './gocontext.ts';
export * as context from './gocontext.ts';
export { type GoDebug, godebugKnobs, parseGoDebug } from './godebug.ts';
export { GoMap, type KeyArg, type MapField, map } from './gomap.ts';
export { GoString, string } from './gostring.ts';
export { type Host, host } from './hostval.ts';
export { explainAddress } from './inspect.ts';
export { type Chooser, FairChooser, RandomChooser, RecordingChooser, ReplayChooser } from './internal/chooser.ts';
export { type Era, eras } from './internal/era.ts';
export { Digest, type EventReader, eventNames, eventsVersion } from './internal/events.ts';
export { type Geometry, readHead } from './internal/memory.ts';
export { GoRuntimeError } from './internal/throw.ts';
export { i8, i16, i64, type PointerTo, ptr, u8, u16, u32, u64, type ValueOf } from './kinds.ts';
export { Machine } from './machine.ts';
export { type GCStats, type MemStats, readGCStats, readMemStats, type SizeStats } from './memstats.ts';
export { type Options, type Settings, settings } from './options.ts';
export { panic } from './panic.ts';
export type { Pool, PoolElem, PoolValue } from './pool.ts';
export type { Profile, ProfileOptions } from './pprof.ts';
export { Raw } from './raw.ts';
export { type RunStats, Runtime, RuntimeError } from './runtime.ts';
export { append, appendSlice, copy, Slice, type SliceField, slice } from './slice.ts';
export { type AnyStruct, bool, deref, type Field, f64, i32, type Ref, type Struct, self, struct } from './struct.ts';
export { Ticker, Timer } from './time.ts';
export type { Tracer } from './tracer.ts';
export { type Kind, Ptr } from './value.ts';
