// shrink: a failing schedule is made small: few preemptions first, then few firings of timers, then few steps. What fails stays
// what it was: a run counts only when its identity (Outcome.identity: kind and blocked set, or kind and site) is the same.
//
// A schedule is seen as its turns: a goroutine, how many steps it took in a row, and whether somebody else came in between although
// it could go on (`cut`). A turn that was not cut goes on until it blocks. Whatever is left open when turns are taken out or moved
// is filled in without preemptions: who runs goes on. So each change is a run that can be made, and its real turns are what is
// changed next.
//
//   1  by hand      a cut turn is joined with the next turn of its goroutine, there or here; turns are taken out, many at once first;
//                   a cut comes a step earlier, a turn comes elsewhere, a timer fires earlier
//   2  by search    schedules with fewer preemptions are looked through, as many as the budget has: 0, then 1, …. A case that
//                   needs none is found this way when the way to it is not downhill
//   3  by hand      what the search has found
//
// No chance is involved: the same failure gives the same small one.
import { RecordingDecider } from './replay.ts';
import { clockPath, type Decision } from './schedule.ts';
import { clockTask, type Decider, type Outcome, type Point, type Size, Spin, type Task } from './types.ts';

/** A failing run, by names. */
export interface Small {
  readonly outcome: Outcome;
  readonly decisions: readonly Decision[];
  readonly cuts: readonly number[];
  readonly size: Size;
}

/** What came of shrinking. */
export interface Shrinking {
  readonly from: Size;
  readonly best: Small;
  /** Runs that it took. */
  readonly runs: number;
}

/** Default number of runs. */
export const shrinkRuns = 3000;

/**
 * Makes a failing run smaller. failing: brings it back; identity: what must stay; run: runs the program with a decider; runs: how
 * many runs at most, 1 at least. null: it does not come back.
 */
export function shrink(failing: Decider, identity: string, run: (decider: Decider) => Outcome, runs = shrinkRuns): Shrinking | null {
  return new Shrinker(identity, run, runs).shrink(failing);
}

/** Does what a run did, as far as it can be done: for the same run with something taken out of it. */
export function loosely(small: Small): Decider {
  return new TurnDecider(turnsOf(small), drawsOf(small.decisions));
}

/** Runs a program under a decider, and writes down what it was like. */
export function smallOf(decider: Decider, run: (decider: Decider) => Outcome): Small {
  const recording = new RecordingDecider(decider);
  const outcome = run(recording);
  const { decisions, cuts } = recording;
  return { outcome, decisions, cuts, size: recording.size(outcome) };
}

class Shrinker {
  private used = 0;
  private best!: Small;

  constructor(
    private readonly identity: string,
    private readonly run: (decider: Decider) => Outcome,
    private readonly budget: number,
  ) {}

  shrink(failing: Decider): Shrinking | null {
    const first = this.attempt(failing);
    if (!this.fails(first)) return null;
    this.best = first;
    this.byHand(Math.ceil(this.budget / 3));
    if (this.bySearch()) this.byHand(this.budget);
    return { from: first.size, best: this.best, runs: this.used };
  }

  private attempt(decider: Decider): Small {
    this.used++;
    return smallOf(decider, this.run);
  }

  /** Runs a candidate; the best is it from now on if it fails the same way and is smaller. */
  private improves(decider: Decider): boolean {
    const tried = this.attempt(decider);
    if (!this.fails(tried) || !smaller(tried.size, this.best.size)) return false;
    this.best = tried;
    return true;
  }

  private fails({ outcome }: Small): boolean {
    return outcome.verdict !== null && outcome.identity === this.identity;
  }

  /** Changes that make it smaller, one after the other, until none does or `until` runs are used up. */
  private byHand(until: number): void {
    for (let again = true; again; ) {
      again = false;
      const turns = turnsOf(this.best);
      const draws = drawsOf(this.best.decisions);
      for (const candidate of candidates(turns)) {
        if (this.used >= until) return;
        if (!this.improves(new TurnDecider(candidate, draws))) continue;
        again = true;
        break;
      }
    }
  }

  /** Schedules with fewer preemptions than the best; true when one fails the same way. */
  private bySearch(): boolean {
    for (let preemptions = 0; preemptions < this.best.size.preemptions; preemptions++) {
      const left = this.budget - this.used;
      const share = Math.min(left, Math.ceil((left * 2) / 3));
      if (this.search(preemptions, this.used + share)) return true;
    }
    return false;
  }

  private search(preemptions: number, until: number): boolean {
    const search = new BoundedSearch({ preemptions, firings: this.best.size.firings });
    do {
      if (this.used >= until) return false;
      if (this.improves(search)) return true;
    } while (search.advance());
    return false;
  }
}

function smaller(a: Size, b: Size): boolean {
  if (a.preemptions !== b.preemptions) return a.preemptions < b.preemptions;
  return a.firings !== b.firings ? a.firings < b.firings : a.steps < b.steps;
}

// --- turns -----------------------------------------------------------------------------------------------------------------

/** Steps of one goroutine, or firings of timers, in a row. */
interface Turn {
  readonly g: string;
  readonly steps: number;
  /** The goroutine could have gone on when another one did. */
  readonly cut: boolean;
}

function turnsOf({ decisions, cuts }: Small): Turn[] {
  const turns: { g: string; steps: number; cut: boolean }[] = [];
  let lastOfGoroutine: { cut: boolean } | null = null;
  decisions.forEach(({ g }, i) => {
    if (lastOfGoroutine !== null && cuts.includes(i)) lastOfGoroutine.cut = true;
    const last = turns.at(-1);
    if (last !== undefined && last.g === g) last.steps++;
    else turns.push({ g, steps: 1, cut: false });
    if (g !== clockPath) lastOfGoroutine = turns.at(-1)!;
  });
  return turns;
}

/** What each goroutine drew, in its own order. */
function drawsOf(decisions: readonly Decision[]): Map<string, number[]> {
  const draws = new Map<string, number[]>();
  for (const { g, draws: drawn } of decisions) {
    if (drawn.length === 0) continue;
    const list = draws.get(g);
    if (list === undefined) draws.set(g, [...drawn]);
    else list.push(...drawn);
  }
  return draws;
}

/** Changed turns, the most promising ones first. */
function* candidates(turns: readonly Turn[]): Generator<Turn[]> {
  yield* joined(turns);
  for (let i = 0; i < turns.length; i++) if (turns[i]!.g === clockPath) yield without(turns, i, 1);
  for (let size = turns.length >> 1; size >= 1; size >>= 1) for (let at = 0; at < turns.length; at += size) yield without(turns, at, size);
  for (let i = 0; i < turns.length; i++) {
    const { steps } = turns[i]!;
    if (steps > 1) yield turns.with(i, { ...turns[i]!, steps: steps - 1, cut: true });
  }
  for (let from = 0; from < turns.length; from++) {
    for (let to = 0; to < turns.length; to++) if (to !== from) yield without(turns, from, 1).toSpliced(to, 0, turns[from]!);
  }
  yield* earlierFirings(turns);
}

/** One firing of a timer comes earlier, within a turn: that may spare the goroutine a wait, and so a step. */
function* earlierFirings(turns: readonly Turn[]): Generator<Turn[]> {
  for (let i = 0; i < turns.length; i++) {
    const { g, steps } = turns[i]!;
    if (g !== clockPath) continue;
    const rest = steps === 1 ? without(turns, i, 1) : turns.with(i, { ...turns[i]!, steps: steps - 1 });
    for (let k = 0; k < i; k++) {
      const turn = turns[k]!;
      for (let n = 1; turn.g !== clockPath && n < turn.steps; n++) {
        const split = [
          { ...turn, steps: n, cut: true },
          { g, steps: 1, cut: false },
          { ...turn, steps: turn.steps - n },
        ];
        yield rest.toSpliced(k, 1, ...split);
      }
    }
  }
}

/** Without one preemption: the cut turn goes on at once, or comes later as a whole, or never. */
function* joined(turns: readonly Turn[]): Generator<Turn[]> {
  for (let i = 0; i < turns.length; i++) {
    const turn = turns[i]!;
    if (!turn.cut) continue;
    yield turns.with(i, { ...turn, cut: false });
    const next = turns.findIndex((t, k) => k > i && t.g === turn.g);
    if (next < 0) {
      yield without(turns, i, 1);
      continue;
    }
    const whole = { ...turns[next]!, steps: turn.steps + turns[next]!.steps };
    yield without(turns.with(i, whole), next, 1);
    yield without(turns.with(next, whole), i, 1);
  }
}

function without(turns: readonly Turn[], at: number, n: number): Turn[] {
  return [...turns.slice(0, at), ...turns.slice(at + n)];
}

/** Takes turns as far as they can be taken; what is left open is filled in without preemptions. */
class TurnDecider implements Decider {
  readonly everyStep = true;
  private at = 0;
  /** Steps of the turn that were taken. */
  private taken = 0;
  private readonly paths: string[] = [clockPath];
  private readonly drawn = new Map<string, number>();
  private running: Task = -1;

  constructor(
    private readonly turns: readonly Turn[],
    private readonly draws: ReadonlyMap<string, readonly number[]>,
  ) {}

  next(point: Point): Task {
    for (; this.at < this.turns.length; this.at++, this.taken = 0) {
      const { g, steps, cut } = this.turns[this.at]!;
      if (this.taken >= steps && (cut || g === clockPath)) continue;
      const task = g === clockPath ? (point.timer ? clockTask : -1) : this.find(point, g);
      if (task < 0) continue; // it is blocked: its turn is over; or it cannot come yet, and somebody else will
      if (this.taken >= steps && point.spun(task) !== Spin.none) continue;
      this.taken++;
      return this.go(task);
    }
    if (this.running >= 0 && point.spun(this.running) === Spin.none) {
      for (let i = 0; i < point.n; i++) if (point.tasks[i] === this.running) return this.running;
    }
    return this.go(point.n > 0 ? point.tasks[0]! : clockTask);
  }

  private go(task: Task): Task {
    if (task !== clockTask) this.running = task;
    return task;
  }

  private find(point: Point, g: string): Task {
    for (let i = 0; i < point.n; i++) {
      const task = point.tasks[i]!;
      if ((this.paths[task] ??= point.path(task)) === g) return task;
    }
    return -1;
  }

  select(n: number): number {
    const g = this.paths[this.running] ?? '';
    const k = this.drawn.get(g) ?? 0;
    this.drawn.set(g, k + 1);
    const answer = this.draws.get(g)?.[k] ?? 0;
    return answer < n ? answer : 0;
  }
}

/**
 * All schedules with at most so many preemptions and firings, one after the other, the deepest choice changing first. Unlike the
 * search of tree.ts it reduces nothing, and a timer that fires preempts nobody: that is how sizes are compared here.
 */
class BoundedSearch implements Decider {
  readonly everyStep = true;
  /** Choices of the run: what there was, and which is taken. */
  private readonly path: { readonly answers: readonly number[]; at: number }[] = [];
  private depth = 0;
  private running: Task = -1;
  private preemptions = 0;
  private firings = 0;

  constructor(private readonly bound: Pick<Size, 'preemptions' | 'firings'>) {}

  next(point: Point): Task {
    const { running } = this;
    let free = running < 0 || point.spun(running) !== Spin.none;
    if (!free) {
      free = true;
      for (let i = 0; i < point.n; i++) if (point.tasks[i] === running) free = false;
    }
    const task = this.answer(() => {
      const tasks = Array.from({ length: point.n }, (_, i) => point.tasks[i]!);
      const answers = free ? tasks : [running];
      if (!free && this.preemptions < this.bound.preemptions) answers.push(...tasks.filter((t) => t !== running));
      if (point.timer && (this.firings < this.bound.firings || answers.length === 0)) answers.push(clockTask);
      return answers;
    });
    if (task === clockTask) this.firings++;
    else {
      if (!free && task !== running) this.preemptions++;
      this.running = task;
    }
    return task;
  }

  select(n: number): number {
    return this.answer(() => Array.from({ length: n }, (_, i) => i));
  }

  private answer(answers: () => number[]): number {
    if (this.depth === this.path.length) this.path.push({ answers: answers(), at: 0 });
    const { answers: known, at } = this.path[this.depth++]!;
    return known[at]!;
  }

  /** The run is over; false: it was the last. */
  advance(): boolean {
    this.depth = this.preemptions = this.firings = 0;
    this.running = -1;
    for (let last = this.path.at(-1); last !== undefined; last = this.path.at(-1)) {
      if (++last.at < last.answers.length) return true;
      this.path.pop();
    }
    return false;
  }
}
