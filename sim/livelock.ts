// livelock: goroutines that go round and get nowhere. A state of a schedule is where every goroutine stands and what the things
// hold; when it comes back, and everybody who could has taken steps in between, the schedule could go on so for ever, and fairly.
// But a goroutine may count its attempts in a variable that nobody here sees. So the round is made again and again (`follow` says
// who comes next), and only after very many rounds it is called a livelock.
//
// Looked at are the states after a step that has asked for something in vain (try-lock, select with a default): a program without
// such steps pays nothing. One that lets others run (gosched) until something happens ends at the bound of steps.
import { type G, GStatus } from '../sched/g.ts';
import type { ExploringSched } from './sched.ts';
import type { Task } from './types.ts';

/** Steps in rounds, and rounds, after which nobody is believed to count. */
const manySteps = 1000;
const manyRounds = 16;
/** States that are remembered; a schedule that has more of them does not stand still. */
const memory = 64;

/** What steps that ask in vain lead to, in one schedule after the other. */
export class Livelock {
  /** Steps of the round that is made again; 0: none is. */
  period = 0;
  private rounds = 0;
  /** The step with which the round that is made now is complete. */
  private end = -1;
  /** Digests of states, and the numbers of the steps after which they were seen. */
  private readonly states: number[] = [];
  private readonly steps: number[] = [];
  private next = 0;

  begin(): void {
    this.period = 0;
    this.states.length = 0;
    this.steps.length = 0;
    this.next = 0;
  }

  /** Step number `step` has asked in vain. order: who took the steps so far. True: the last round is a livelock. */
  asked(sched: ExploringSched, step: number, order: Int32Array): boolean {
    const state = digest(sched);
    const before = this.lastWith(state);
    this.states[this.next] = state;
    this.steps[this.next] = step;
    this.next = (this.next + 1) % memory;
    const period = before < 0 ? 0 : step - before;
    if (this.period !== 0) {
      if (step < this.end) return false; // in the middle of a round
      if (step === this.end && period === this.period) {
        this.end = step + period;
        return ++this.rounds >= manyRounds && this.rounds * period >= manySteps;
      }
    }
    this.period = before >= 0 && isRound(sched, before + 1, step, order) ? period : 0;
    this.rounds = 1;
    this.end = step + period;
    return false;
  }

  /** Who took the step of this number one round before; -1: no round is made again. */
  follow(step: number, order: Int32Array): Task {
    if (this.period === 0) return -1;
    if (step <= this.end) return order[step - this.period]!;
    this.period = 0; // it did not end as the last one did
    return -1;
  }

  private lastWith(state: number): number {
    let last = -1;
    for (let k = 0; k < this.states.length; k++) if (this.states[k] === state && this.steps[k]! > last) last = this.steps[k]!;
    return last;
  }
}

/** Whether everybody who can go on has taken steps from first to last, and no timer will change anything. */
function isRound(sched: ExploringSched, first: number, last: number, order: Int32Array): boolean {
  if (sched.timers.set > 0) return false;
  for (let k = 0; k < sched.n; k++) {
    let s = first;
    while (s <= last && order[s] !== sched.enabled[k]) s++;
    if (s > last) return false;
  }
  return true;
}

/** Where everybody stands, and what the things hold. */
function digest(sched: ExploringSched): number {
  const { ops, kinds, operands } = sched;
  let h = 0;
  for (let g = 1 as G; g <= sched.rowsUsed; g++) {
    const { status } = ops[g]!;
    h = mix(h, status);
    if (status !== GStatus.dead) h = mix(mix(h, kinds[g]!), operands[g]?.id ?? 0);
  }
  return sched.digestThings(mix, h);
}

function mix(h: number, n: number): number {
  const x = Math.imul(h ^ n, 0x85ebca6b);
  return x ^ (x >>> 13);
}

/** Whether the last n steps of an order repeat a short round. */
export function goesRound(order: Int32Array, length: number): boolean {
  const n = Math.min(manySteps, length >> 1);
  for (let period = 1; period <= n / manyRounds; period++) {
    let k = length - n;
    while (k < length && order[k] === order[k - period]) k++;
    if (k === length) return true;
  }
  return false;
}
