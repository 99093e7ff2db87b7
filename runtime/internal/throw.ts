// throw: whose fault is it? One verb for each answer, and the words that leave through them.
//
//   gothrow   the runtime's fault: an invariant is broken. Ends the machine, exit code 70.
//   fatal     the program's fault and beyond recovery, in Go's exact words. Exit code 3.
//   gopanic   the program's fault, recoverable: thrown into the goroutine; recover may take it.
// The caller's fault (an option, an argument) is a RangeError or TypeError where the argument came in, and changes nothing.

/** The runtime broke its own rule. `place: fact`. Source: runtime.throw of panic.go. */
export class Throw extends Error {
  override readonly name = 'Throw';
  constructor(
    message: string,
    /** Lines that Go prints before `fatal error: …`; '' for none. */
    readonly preface = '',
  ) {
    super(message);
  }
}

/** The program did something that Go ends with `fatal error: …`. Source: runtime.fatal of panic.go. */
export class Fatal extends Error {
  override readonly name = 'Fatal';
  constructor(
    message: string,
    /** A line that Go prints before `fatal error: …`; '' for none. */
    readonly preface = '',
  ) {
    super(message);
  }
}

/** Go's runtime.Error: the value of a panic of the runtime's own. */
export class GoRuntimeError {
  constructor(private readonly text: string) {}

  /** The error's text; Go's Error method. */
  Error(): string {
    return this.text;
  }
  toString(): string {
    return this.text;
  }
}

/** A Go panic on its way up one goroutine. `value` is what recover would return. */
export class GoPanic extends Error {
  override readonly name = 'GoPanic';
  constructor(
    message: string,
    /** The panic's value: a GoRuntimeError, or any value of the program. */
    readonly value: unknown = message,
    /** The panic is a memory fault: Go prints the signal as well. */
    readonly signal = false,
  ) {
    super(message);
  }
}

/** Ends the machine because an invariant does not hold; preface: what Go prints before the fact. */
export function gothrow(fact: string, preface = ''): never {
  throw new Throw(fact, preface);
}

/** Ends the program with Go's `fatal error: <message>`, after a line of its own where Go has one. */
export function fatal(message: string, preface = ''): never {
  throw new Fatal(message, preface);
}

/** Panics the running goroutine with a plain runtime.Error whose text has no prefix (channel errors). */
export function gopanic(message: string): never {
  throw new GoPanic(message, new GoRuntimeError(message));
}

/** The panic of a channel operation. asString: as in 2014, when its value was the text alone. */
export function chanPanic(message: string, asString: boolean): GoPanic {
  return asString ? new GoPanic(message) : new GoPanic(message, new GoRuntimeError(message));
}

/** Panics with Go's text for a load or store through nil. */
export function nilDereference(): never {
  throw nilPanic();
}

/** Whether JavaScript's own stack has ended, in the words of V8, JavaScriptCore and SpiderMonkey. */
export function isStackOverflow(error: unknown): boolean {
  if (error instanceof RangeError) return error.message.startsWith('Maximum call stack size exceeded');
  return error instanceof Error && error.name === 'InternalError' && error.message === 'too much recursion';
}

/** Whether nothing of the program may stop an error on its way up: no deferred call runs for it, and recover does not see it. */
export function isFinal(error: unknown): boolean {
  return error instanceof Fatal || error instanceof Throw || isStackOverflow(error);
}

/** The panic of a load or store through nil. */
export function nilPanic(): GoPanic {
  const message = 'runtime error: invalid memory address or nil pointer dereference';
  return new GoPanic(message, new GoRuntimeError(message), true);
}
