// describe: what a report says of a failure, and a failure as JSON. report.ts lays it out.
import { count, plural } from '../runtime/internal/words.ts';
import { opNames } from './naming.ts';
import type { Report, Shrunk } from './report.ts';
import type { Exploration, Failure } from './types.ts';

/** What a report needs to know besides the failure. */
export interface Told {
  /** The exploration that found it; without one it is a replay. */
  readonly exploration?: Exploration;
  /** Schedules at most, as the options said. */
  readonly of?: number;
  /** What to type to see it again, one line each. Default: the replay string. */
  readonly again?: readonly string[];
}

/** The report of a failure, for reportText. */
export function reportOf(failure: Failure, { exploration, of, again }: Told = {}): Report {
  const cuts = new Set(failure.cuts);
  return {
    verdict: failure.verdict,
    message: failure.message,
    steps: failure.steps.map(({ g, op, object, site, clock, after }, i) => ({
      ...{ g, object, site, clock },
      op: g === 'clock' ? 'timer' : opNames[op],
      preempts: cuts.has(i),
      waits: after === 'waits',
    })),
    blocked: failure.blocked.map(({ g, on, holder = '', site }) => ({ g, on, holder, site })),
    found:
      exploration === undefined
        ? null
        : {
            strategy: failure.strategy,
            schedule: failure.schedule + 1,
            of: of ?? exploration.schedules,
            millis: exploration.millis,
          },
    shrunk: shrunkOf(failure),
    again: again ?? [`replay: ${failure.replay}`],
    statistics: exploration === undefined ? '' : searchedText({ ...exploration, failed: failures(exploration) }),
  };
}

function shrunkOf({ shrunk }: Failure): Shrunk | null {
  if (shrunk === null) return null;
  const { from, to } = shrunk;
  return {
    steps: [from.steps, to.steps],
    preemptions: [from.preemptions, to.preemptions],
    timers: [from.firings, to.firings],
  };
}

/** What was looked at: figures of one exploration, or of several together. */
export interface Searched extends Pick<Exploration, 'schedules' | 'unseen' | 'steps' | 'exhausted' | 'warnings'> {
  readonly failed: number;
  /** Different schedules; with atMost, several explorations counted theirs, and some may be the same. So it is with `unseen`. */
  readonly distinct: number;
  readonly atMost?: boolean;
  /** Further facts. */
  readonly more?: readonly string[];
}

/** How hard it was looked: one line, and one for each warning. */
export function searchedText(searched: Searched): string {
  const { schedules, distinct, atMost = false, steps, failed, exhausted, warnings, more = [] } = searched;
  const facts = [
    `explored ${plural(schedules, 'schedule')}`,
    `${atMost ? 'at most ' : ''}${count(distinct)} distinct`,
    ...unseenText(searched),
    plural(steps, 'step'),
    `${count(failed)} failed`,
    ...more,
  ];
  if (exhausted === Infinity) facts.push('no other schedule is left');
  else if (exhausted !== null) facts.push(`exhausted up to ${plural(exhausted, 'preemption')}`);
  return [facts.join(' · '), ...warnings.map((w) => `warning: ${w}`)].join('\n');
}

/** Schedules that an estimate needs at least. */
const fewest = 10;

function unseenText({ schedules, unseen, atMost = false }: Searched): string[] {
  if (unseen === null || schedules < fewest) return [];
  const least = 1 / schedules; // none was seen only once: the next one may be the first
  const percent = Number((100 * Math.max(unseen, least)).toPrecision(2));
  return [`${unseen < least ? 'under' : atMost ? 'at most' : 'about'} ${percent} % unseen`];
}

function failures({ perStrategy }: Exploration): number {
  return Object.values(perStrategy).reduce((n, { failures }) => n + failures, 0);
}

/** A failure as JSON has it: kinds by name, what was thrown as its name, message and stack. */
export function failureJson(failure: Failure): object {
  const { error, steps, order: _, selects: __, ...rest } = failure;
  const cuts = new Set(failure.cuts);
  return {
    ...rest,
    error: error === undefined ? null : errorJson(error),
    steps: steps.map((step, i) => ({ ...step, op: step.g === 'clock' ? 'timer' : opNames[step.op], preempts: cuts.has(i) })),
    blocked: failure.blocked.map((b) => ({ ...b, op: opNames[b.op] })),
  };
}

function errorJson(error: unknown): object {
  if (!(error instanceof Error)) return { name: typeof error, message: String(error) };
  return { name: error.name, message: error.message, stack: error.stack ?? '' };
}
