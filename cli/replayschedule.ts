// replay-schedule: the command. One schedule again, from the string that a report ends with; to its end, or to a step of it.
import { count, plural } from '../runtime/internal/words.ts';
import { divergenceText, failureJson, parseSchedule, replay, ScheduleError, type Standstill, standAt } from '../sim/index.ts';
import { time } from '../sim/report.ts';
import { helpOf, onlyFor, parse, UsageError, wholeNumber } from './args.ts';
import { replayScheduleSpec } from './commands.ts';
import { programNamed, reportFor, writeTraces } from './exploring.ts';
import { paint } from './output.ts';

/** Runs `gorena replay-schedule`; returns the exit code: 1 when it fails or goes another way. Throws UsageError and FileError. */
export async function replayScheduleCommand(words: readonly string[], print: (text: string) => void): Promise<number> {
  const { positionals, options } = parse(replayScheduleSpec, words);
  if (options.help === true) {
    print(helpOf(replayScheduleSpec));
    return 0;
  }
  const [text, word] = positionals as [string, string];
  const json = options.json === true;
  try {
    const schedule = parseSchedule(text);
    const { name, program } = await programNamed(
      'replay-schedule',
      word,
      options.export === undefined ? undefined : String(options.export),
    );
    const of = schedule.decisions.length;
    if (options.step !== undefined) {
      onlyFor('a whole schedule, not for --step', options, ['trace', 'chrome-trace']);
      if (schedule.program !== name)
        throw new ScheduleError(`schedule string: it is of the program '${schedule.program}', this is '${name}'`);
      const step = wholeNumber('step', String(options.step), 1, of); // as reports count them
      const seen = standAt(program, schedule, step - 1);
      if (seen === null) throw new UsageError(`replay-schedule: the program does not come to step ${step} of this schedule`);
      print(
        json
          ? `${JSON.stringify({ schemaVersion: 1, command: 'replay-schedule', ...seen, step }, null, 2)}\n`
          : standstillText(seen, step, of),
      );
      return 0;
    }
    const result = replay(program, text, { name });
    const files = writeTraces(options, program, text);
    const { failure, divergence, followed } = result;
    if (json) {
      const doc = { schemaVersion: 1, command: 'replay-schedule', followed, of, divergence, failure: failure && failureJson(failure) };
      print(`${JSON.stringify(doc, null, 2)}\n`);
    } else {
      const written = files.length === 0 ? '' : `written: ${files.join(', ')}\n`;
      if (divergence !== null) print(`${divergenceText(divergence)}\n${written}`);
      else if (failure !== null)
        print(`${reportFor(failure, { again: [`replayed ${count(followed)} of ${plural(of, 'step')}`] })}\n${written}`);
      else
        print(
          `${paint('green', 'it holds')}: replayed ${count(followed)} of ${plural(of, 'step')}, and the program went on to its end\n${written}`,
        );
    }
    return failure === null && divergence === null ? 0 : 1;
  } catch (error) {
    if (error instanceof ScheduleError) throw new UsageError(`replay-schedule: ${error.message}`);
    throw error;
  }
}

function standstillText({ clock, nextTimer, enabled, goroutines, heap }: Standstill, step: number, of: number): string {
  const lines = [
    paint('bold', `before step ${step} of ${of}`),
    `clock ${time(clock)}${nextTimer === null ? ', no timer is set' : `, the next timer fires at ${time(nextTimer)}`}`,
    '',
    enabled.length === 0 ? 'nobody can go on' : 'could go on',
    ...enabled.map(({ g, op, object }) => `  ${g}: ${op}${object === '' ? '' : ` ${object}`}`),
    '',
    goroutines,
    '',
    heap.trimEnd(),
  ];
  return `${lines.join('\n')}\n`;
}
