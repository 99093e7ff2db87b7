// chanelem: how the elements of a channel travel. A struct or an array stands for a pointer to one, as in a local. What is one
// pointer goes as that pointer, numbers as numbers, truth values and bigints as values of JavaScript. A slice or a string has
// more words than a pointer: a small object of the heap carries it, made by the send.
import { ElemKind } from '../sched/chan.ts';
import { ArrayKind } from './array.ts';
import type { Context } from './context.ts';
import { kindOf, newValues, pointerKind } from './kinds.ts';
import { type AnyStruct, addressOf, type Field, makeRef, type RefBase, Struct, wrongValue } from './struct.ts';
import { closeTemps, openTemps, rootAll, setTemp } from './temps.ts';
import { type Kind, ownHandle } from './value.ts';

/** Turns what the program sees into what travels, and back. */
export interface Elem<T> {
  readonly kind: ElemKind;
  /** null: as it is. */
  readonly toRaw: ((value: T) => unknown) | null;
  readonly fromRaw: ((raw: unknown) => T) | null;
  /** The object that carries a value is known to nobody until it is sent, so a case of a select cannot hold it. */
  readonly boxed?: true;
}

const numbers: Elem<unknown> = { kind: ElemKind.number, toRaw: null, fromRaw: null };
const hosts: Elem<unknown> = { kind: ElemKind.host, toRaw: null, fromRaw: null };

/** The elements of a channel of a type. TypeError when it is no type. */
export function elemOf(ctx: Context, type: Field<unknown>): Elem<unknown> {
  if (type instanceof Struct) return structs(ctx, type);
  if ((type as { kind?: unknown } | null | undefined)?.kind === 'ptr' && type.to instanceof Struct) return structs(ctx, type.to);
  const kind = kindOf(type, 'chan');
  if ('host' in kind) return hosts;
  if (kind instanceof ArrayKind) return onePointer(ctx, pointerKind(kind));
  if (kind.ptrWords.length > 0) return kind.isPointer ? onePointer(ctx, kind) : boxes(ctx, kind);
  const zero = kind.zero(ctx);
  if (typeof zero !== 'number') return { ...hosts, ...plain(kind, zero) };
  return ctx.serials === null ? numbers : { ...numbers, toRaw: plain(kind, zero).toRaw };
}

function structs(ctx: Context, type: AnyStruct): Elem<unknown> {
  const only = pointerKind(type);
  return {
    kind: ElemKind.pointer,
    toRaw: (value) => (value === null ? 0 : ctx.serials === null ? addressOf(value as RefBase<AnyStruct>) : ownRoot(ctx, only, value)),
    fromRaw: (raw) => (raw === 0 ? null : makeRef(ctx, type, raw as number)),
  };
}

function ownRoot(ctx: Context, kind: Kind<unknown>, value: unknown): number {
  ownHandle(ctx, value);
  return kind.rootOf(value);
}

function onePointer(ctx: Context, kind: Kind<unknown>): Elem<unknown> {
  return { kind: ElemKind.pointer, toRaw: (value) => ownRoot(ctx, kind, value), fromRaw: (raw) => kind.withPointer(ctx, raw as number) };
}

function boxes(ctx: Context, kind: Kind<unknown>): Elem<unknown> {
  const toRaw = (value: unknown) => {
    ownRoot(ctx, kind, value); // refuses what is of another type before anything is made
    const temps = openTemps(ctx, 1);
    try {
      rootAll(ctx, [value]);
      const box = newValues(ctx, kind, 1);
      setTemp(ctx, temps, 0, box);
      kind.store(ctx, box, value);
      return box;
    } finally {
      closeTemps(ctx, temps);
    }
  };
  return { kind: ElemKind.pointer, toRaw, fromRaw: (raw) => (raw === 0 ? kind.zero(ctx) : kind.load(ctx, raw as number)), boxed: true };
}

/** Values of JavaScript that are no handles; what is of another type is refused. */
function plain(kind: Kind<unknown>, zero: unknown): Pick<Elem<unknown>, 'toRaw' | 'fromRaw'> {
  const toRaw = (value: unknown) =>
    typeof value === typeof zero ? value : wrongValue(`a channel of ${kind.name}`, `a ${typeof zero}`, value);
  return { toRaw, fromRaw: (raw) => raw ?? zero };
}
