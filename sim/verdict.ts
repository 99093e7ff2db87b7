// verdict: what the end of a schedule means. The identity of a failure is what stays when it is reached by another way: its kind
// with who is blocked on what, or with the place where something was thrown.
import { Fatal, GoPanic, Throw } from '../runtime/internal/throw.ts';
import { plural } from '../runtime/internal/words.ts';
import { siteIn } from './naming.ts';
import type { Property } from './sched.ts';
import type { Blocked, Finding } from './types.ts';

/** How a schedule ended. */
export type End =
  /** Nothing can happen any more. tickers: timers that fire again and again, and let nobody go on. */
  | { readonly how: 'quiet'; readonly tickers: number }
  | { readonly how: 'died'; readonly error: unknown }
  /** Too many steps. round: the last of them repeat each other; stuck: who was blocked in the second half, and not by a timer. */
  | { readonly how: 'bound'; readonly round: boolean; readonly stuck: readonly Blocked[] }
  | { readonly how: 'found'; readonly finding: Finding }
  | { readonly how: 'broken off' };

/** Nothing. */
export const fine: Finding = { verdict: null, message: '', identity: '', error: undefined };

/** What verdicts depend on. */
export interface VerdictSettings {
  readonly leaks: boolean;
  readonly maxSteps: number;
}

/** What an end means. blocked: who waits for ever. */
export function verdictOf(
  end: End,
  blocked: readonly Blocked[],
  mainReturned: boolean,
  settings: VerdictSettings,
  properties: readonly Property[],
): Finding {
  if (end.how === 'broken off') return fine;
  if (end.how === 'found') return end.finding;
  if (end.how === 'died') return ofError(end.error);
  if (end.how === 'bound') return ofBound(end.stuck, end.round, mainReturned, settings);
  if (blocked.length > 0) {
    if (!mainReturned) return ofBlocked(end.tickers > 0 ? 'partial deadlock' : 'deadlock', blocked);
    if (settings.leaks) return ofBlocked('leak', blocked);
  }
  for (const { name, holds } of properties) {
    try {
      if (!holds()) return { ...fine, verdict: 'eventually', message: `not true in the end: ${name}`, identity: `eventually: ${name}` };
    } catch (error) {
      return ofError(error);
    }
  }
  return fine;
}

function ofBound(stuck: readonly Blocked[], round: boolean, mainReturned: boolean, settings: VerdictSettings): Finding {
  if (mainReturned) return stuck.length > 0 && settings.leaks ? ofBlocked('leak', stuck) : fine; // the others may go on for ever
  if (stuck.some(({ g }) => g === 'main')) return ofBlocked('partial deadlock', stuck);
  const message = `main has not returned after ${plural(settings.maxSteps, 'step')}`;
  if (!round) return { ...fine, verdict: 'steps', message, identity: 'steps' };
  return { ...fine, verdict: 'livelock', message: `${message}: the same steps again and again`, identity: 'livelock' };
}

function ofBlocked(verdict: 'deadlock' | 'partial deadlock' | 'leak', blocked: readonly Blocked[]): Finding {
  const who = blocked.map(({ g, on }) => `${g}: ${on}`);
  const message = `${words[verdict]}: ${who.join(', ')}`;
  return { ...fine, verdict, message, identity: `${verdict}: ${who.sort().join(', ')}` };
}

const words = {
  deadlock: 'all goroutines are asleep',
  'partial deadlock': 'blocked for ever while others go on',
  leak: 'blocked for ever after main has returned',
} as const;

function ofError(error: unknown): Finding {
  if (error instanceof Throw) throw error; // a bug of the runtime is no verdict about the program
  const text = error instanceof Error ? error.message : String(error);
  const site = error instanceof Error ? siteIn(error.stack ?? '') : '';
  const verdict = error instanceof GoPanic || error instanceof Fatal ? 'panic' : 'assertion';
  const what = verdict === 'panic' || site === '' ? `${text} ` : '';
  return { verdict, message: text, identity: `${verdict}: ${what}${site}`.trimEnd(), error };
}
