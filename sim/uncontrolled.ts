// uncontrolled: what a program asks of the host behind our back: the time, random numbers, timers, promises. A schedule that
// depends on such an answer does not come out the same twice. While somebody watches, these functions note who calls them, and
// do what they always do. Only calls that stand in the program itself are noted: what a test library does is its own business.
import { ownerOf } from './naming.ts';

type AnyFunction = (...args: unknown[]) => unknown;
type Holder = Record<string, unknown>;

const names: readonly (readonly [owner: string, key: string])[] = [
  ['Math', 'random'],
  ['Date', 'now'],
  ['performance', 'now'],
  ['crypto', 'randomUUID'],
  ['crypto', 'getRandomValues'],
  ['', 'setTimeout'],
  ['', 'setInterval'],
  ['', 'setImmediate'],
  ['', 'queueMicrotask'],
  ['', 'fetch'],
];

/** What is watched, where the host has it; `name` is how a program writes it. */
function watched(): { owner: Holder; key: string; name: string }[] {
  const host = globalThis as unknown as Record<string, Holder | undefined>;
  const found = names.map(([owner, key]) => ({
    owner: (owner === '' ? host : host[owner]) as Holder,
    key,
    name: owner === '' ? key : `${owner}.${key}`,
  }));
  found.push({ owner: Promise.prototype as unknown as Holder, key: 'then', name: 'Promise.then' });
  return found.filter(({ owner, key }) => typeof owner?.[key] === 'function');
}

/** Runs something, and returns what the program has called: `Math.random at bank.ts:12`, each once, in the order of the calls. */
export function watchHost(run: () => void): string[] {
  const seen = new Set<string>();
  const note = (name: string, above: unknown) => {
    const site = callerSite(above);
    if (site !== '') seen.add(`${name} at ${site}`);
  };
  const undo: (() => void)[] = [];
  const replace = (owner: Holder, key: string, by: unknown) => {
    const before = Object.getOwnPropertyDescriptor(owner, key);
    Object.defineProperty(owner, key, { value: by, configurable: true, writable: true });
    undo.push(() => {
      if (before === undefined)
        delete owner[key]; // it was inherited
      else Object.defineProperty(owner, key, before);
    });
  };
  for (const { owner, key, name } of watched()) {
    const original = owner[key] as AnyFunction;
    const noting = function (this: unknown, ...args: unknown[]) {
      note(name, noting);
      return original.apply(this, args);
    };
    replace(owner, key, noting);
  }
  const construct: NonNullable<ProxyHandler<DateConstructor>['construct']> = (target, args, newTarget) => {
    if (args.length === 0) note('new Date', construct);
    return Reflect.construct(target, args, newTarget) as object;
  };
  replace(globalThis as unknown as Holder, 'Date', new Proxy(Date, { construct }));
  try {
    run();
  } finally {
    for (const back of undo.reverse()) back();
  }
  return [...seen];
}

interface V8Error {
  captureStackTrace?(target: object, above?: unknown): void;
}

/** Where the caller of a function stands, if that is the program; else ''. */
function callerSite(above: unknown): string {
  const holder: { stack?: string } = {};
  (Error as V8Error).captureStackTrace?.(holder, above);
  return ownerOf((holder.stack ?? '').split('\n')[1] ?? '');
}
