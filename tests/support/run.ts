// Runs a program on a small machine with every check on, and collects what it says. Most scheduler tests are a program, a
// log and the order that Go would give.
import { type GoFunc, type Options, type RunStats, Runtime, RuntimeError } from '../../runtime/index.ts';

/** Small, checked, deterministic; options override. */
export const checkedOptions: Options = {
  heapBytes: 1 << 20,
  maxGoroutines: 64,
  memProfileRate: 1,
  checked: true,
  checkHeap: true,
  checkMark: true,
  oracle: true,
};

/** What a program left behind. */
export interface Ran {
  readonly rt: Runtime;
  readonly stats: RunStats;
}

/** Runs main to its end. */
export function run(main: GoFunc<[]>, options: Options = {}): Ran {
  const rt = new Runtime({ ...checkedOptions, ...options });
  return { rt, stats: rt.run(main) };
}

/** Runs a program that must die, and returns what it died of. */
export function death(main: GoFunc<[]>, options: Options = {}): RuntimeError {
  try {
    run(main, options);
  } catch (error) {
    if (error instanceof RuntimeError) return error;
    throw error;
  }
  throw new Error('death: the program ended well');
}

/** The text that a program died of, without line numbers (`main.main(...) x.test.ts`) and without the pc of a signal. */
export function lastWords(error: RuntimeError): string {
  return error.message.replace(/\n\t(\S+?):\d+/g, '\n\t$1').replace(/ pc=0x[0-9a-f]+\]/, ' pc=0x…]');
}
