// Never run, only compiled: a table of every kind of channel element against every kind of value, and of both ends against all that may
// be done with a channel. Each row is compared with what the compiler makes of it, so a cell that is wrong, in either direction, is an error.
import {
  array,
  type bool,
  type Chan,
  type ElemValue,
  type f64,
  type GoMap,
  type GoString,
  host,
  type i8,
  type i16,
  i32,
  type i64,
  map,
  type Ptr,
  ptr,
  type RecvChan,
  type Ref,
  type SendChan,
  type Slice,
  self,
  slice,
  string,
  struct,
  u8,
  type u16,
  type u32,
  type u64,
} from 'gorena';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

const Node = struct('types.ENode', { id: i32, next: self });
const Other = struct('types.EOther', { name: string });

// --- what may be sent ------------------------------------------------------------------------------------------------------------

/** Values that one may try to send. */
interface Values {
  number: number;
  bigint: bigint;
  boolean: boolean;
  text: string;
  nil: null;
  node: Ref<typeof Node>;
  other: Ref<typeof Other>;
  bytes: Slice<number>;
  string: GoString;
  pointer: Ptr<number>;
  map: GoMap<number, number>;
}
/** The names of those that a channel takes. */
type Taken<E extends Parameters<typeof elementOf>[0]> = {
  [K in keyof Values]: Values[K] extends Parameters<Chan<ElemValue<E>>['send']>[0] ? K : never;
}[keyof Values];
declare function elementOf<E extends Parameters<import('gorena').Go['chan']>[0]>(elem: E): E;

const Triple = array(i32, 3);
const bytes = slice(u8);
const counts = map(i32, i32);
const pointer = ptr(i32);
const node = ptr(Node);
const words = host<string>();
const either = host<number | null>();
export const sent: readonly true[] = [
  true satisfies Equal<Taken<typeof i8>, 'number'>,
  true satisfies Equal<Taken<typeof u8>, 'number'>,
  true satisfies Equal<Taken<typeof i16>, 'number'>,
  true satisfies Equal<Taken<typeof u16>, 'number'>,
  true satisfies Equal<Taken<typeof i32>, 'number'>,
  true satisfies Equal<Taken<typeof u32>, 'number'>,
  true satisfies Equal<Taken<typeof f64>, 'number'>,
  true satisfies Equal<Taken<typeof i64>, 'bigint'>,
  true satisfies Equal<Taken<typeof u64>, 'bigint'>,
  true satisfies Equal<Taken<typeof bool>, 'boolean'>,
  true satisfies Equal<Taken<typeof Node>, 'nil' | 'node'>,
  true satisfies Equal<Taken<typeof Other>, 'nil' | 'other'>,
  true satisfies Equal<Taken<typeof node>, 'nil' | 'node'>,
  true satisfies Equal<Taken<typeof pointer>, 'nil' | 'pointer'>,
  true satisfies Equal<Taken<typeof Triple>, 'nil'>,
  true satisfies Equal<Taken<typeof bytes>, 'bytes'>,
  true satisfies Equal<Taken<typeof string>, 'string'>,
  true satisfies Equal<Taken<typeof counts>, 'map'>,
  true satisfies Equal<Taken<typeof words>, 'text'>,
  true satisfies Equal<Taken<typeof either>, 'number' | 'nil'>,
];

// --- what comes out, in every way to receive -------------------------------------------------------------------------------------

type Received<C extends RecvChan<unknown>> = [
  recv: ReturnType<ReturnType<C['recv']>[typeof Symbol.iterator]> extends Iterator<void, infer T, void> ? T : never,
  recv2: ReturnType<ReturnType<C['recv2']>[typeof Symbol.iterator]> extends Iterator<void, infer T, void> ? T : never,
  tryRecv: ReturnType<C['tryRecv']>,
  recvNow: ReturnType<C['recvNow']>,
];
type Comes<T> = [recv: T, recv2: [value: T, ok: boolean], tryRecv: { value: T; ok: boolean } | null, recvNow: NonNullable<T> | undefined];
export const received: readonly true[] = [
  true satisfies Equal<Received<Chan<ElemValue<typeof i32>>>, Comes<number>>,
  true satisfies Equal<Received<Chan<ElemValue<typeof i64>>>, Comes<bigint>>,
  true satisfies Equal<Received<Chan<ElemValue<typeof bool>>>, Comes<boolean>>,
  true satisfies Equal<Received<Chan<ElemValue<typeof Node>>>, Comes<Ref<typeof Node> | null>>,
  true satisfies Equal<Received<RecvChan<ElemValue<typeof pointer>>>, Comes<Ptr<number> | null>>,
  true satisfies Equal<Received<RecvChan<ElemValue<typeof string>>>, Comes<GoString>>,
  true satisfies Equal<Received<RecvChan<ElemValue<typeof words>>>, Comes<string>>,
];

// --- which end may do what ---------------------------------------------------------------------------------------------------------

type Sending = 'send' | 'sendNow' | 'trySend' | 'sendCase' | 'close';
type Receiving = 'recv' | 'recv2' | 'recvOr' | 'recvNow' | 'tryRecv' | 'recvCase';
type Asking = 'length' | 'capacity';
export const ends: readonly true[] = [
  true satisfies Equal<keyof SendChan<number>, Sending | Asking>,
  true satisfies Equal<keyof RecvChan<number>, Receiving | Asking>,
  true satisfies Equal<Exclude<Sending | Receiving | Asking, keyof Chan<number>>, never>,
];

/** Whether a channel of one type may be passed where another one is wanted. */
type Fits<A, B> = A extends B ? true : false;
export const passed: readonly boolean[] = [
  true satisfies Fits<Chan<number>, SendChan<number>>,
  true satisfies Fits<Chan<number>, RecvChan<number>>,
  false satisfies Fits<SendChan<number>, Chan<number>>,
  false satisfies Fits<RecvChan<number>, Chan<number>>,
  false satisfies Fits<SendChan<number>, RecvChan<number>>,
  false satisfies Fits<RecvChan<number>, SendChan<number>>,
  false satisfies Fits<Chan<number>, Chan<string>>,
  false satisfies Fits<Chan<number>, Chan<number | null>>,
  true satisfies Fits<SendChan<number | null>, SendChan<number>>,
  false satisfies Fits<SendChan<number>, SendChan<number | null>>,
  true satisfies Fits<RecvChan<number>, RecvChan<number | null>>,
  false satisfies Fits<RecvChan<number | null>, RecvChan<number>>,
];
