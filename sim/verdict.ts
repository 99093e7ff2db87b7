// verdict: what the end of a schedule means. The identity of a failure is what stays when it is reached by another way: its kind
// with who is blocked on what, or with the place where something was thrown.
import { Fatal, GoPanic, Throw } from '../runtime/internal/throw.ts';
import { siteIn } from './naming.ts';
import type { Blocked, Finding, Verdict } from './types.ts';

/** How a schedule ended. tickers: timers that fire again and again, and let nobody go on. */
export type End =
  | { readonly how: 'quiet'; readonly tickers: number }
  | { readonly how: 'died'; readonly error: unknown }
  | { readonly how: 'bound' }
  | { readonly how: 'found'; readonly finding: Finding }
  | { readonly how: 'broken off' };

/** Nothing. */
export const fine: Finding = { verdict: null, message: '', identity: '', error: undefined };

/** What an end means. blocked: who waits for ever. */
export function verdictOf(
  end: End,
  blocked: readonly Blocked[],
  mainReturned: boolean,
  settings: { readonly leaks: boolean; readonly maxSteps: number },
): Finding {
  if (end.how === 'broken off') return fine;
  if (end.how === 'found') return end.finding;
  if (end.how === 'died') return ofError(end.error);
  if (end.how === 'bound') {
    if (mainReturned) return fine; // a goroutine that goes on for ever after main has returned
    return { ...fine, verdict: 'steps', message: `main has not returned after ${settings.maxSteps} steps`, identity: 'steps' };
  }
  if (blocked.length === 0) return fine;
  if (mainReturned && !settings.leaks) return fine;
  const verdict: Verdict = mainReturned ? 'leak' : end.tickers > 0 ? 'partial deadlock' : 'deadlock';
  const who = blocked.map(({ g, on }) => `${g}: ${on}`);
  return {
    verdict,
    message: `${words[verdict]}: ${who.join(', ')}`,
    identity: `${verdict}: ${[...who].sort().join(', ')}`,
    error: undefined,
  };
}

const words: Partial<Record<Verdict, string>> = {
  deadlock: 'all goroutines are asleep',
  'partial deadlock': 'all goroutines are asleep, only tickers go on',
  leak: 'blocked for ever after main has returned',
};

function ofError(error: unknown): Finding {
  if (error instanceof Throw) throw error; // a bug of the runtime is no verdict about the program
  const text = error instanceof Error ? error.message : String(error);
  const site = error instanceof Error ? siteIn(error.stack ?? '') : '';
  const verdict: Verdict = error instanceof GoPanic || error instanceof Fatal ? 'panic' : 'assertion';
  const what = verdict === 'panic' ? `${text} ` : site === '' ? `${text} ` : '';
  return { verdict, message: text, identity: `${verdict}: ${what}${site}`.trimEnd(), error };
}
