// pool: the worker threads of campaign/workers.ts for a tool: the script that calls runJobs is what the threads run, and it calls serve.
// Results come back in any order, so whoever uses them goes by the job's number, and what is printed does not depend on how many
// workers there were.
import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import { runTasks, serve as serveTasks } from '../campaign/workers.ts';

/** Worker threads when nobody says how many. */
export const defaultWorkers = availableParallelism();

const kind = 'job';

/** In a worker thread: answers jobs, with what JSON can say of a result. Does nothing in the main thread, and says so. */
export function serve<J, R>(work: (job: J) => R): boolean {
  return serveTasks({ [kind]: work as (job: never) => R });
}

/**
 * Runs all jobs on so many threads of the script that called it. done: told of each result; jobs are handed out in order,
 * and while `goOn` says yes. Throws TaskError for a job that throws.
 */
export function runJobs<J, R>(
  jobs: readonly J[],
  workers: number,
  done: (result: R, job: number) => void,
  goOn: (job: number) => boolean = () => true,
): Promise<void> {
  return runTasks({
    ...{ script: pathToFileURL(process.argv[1]!), workers, kind, goOn },
    jobs: jobs.map((job, number) => ({ number, id: String(number), job })),
    onResult: (number, text) => done(JSON.parse(text) as R, number),
  });
}

/** Tells on stderr how far it is, in place, from one second on; nothing where stderr is no terminal but a line now and then. */
export class Progress {
  private readonly began = Date.now();
  private shown = this.began;

  update(text: string): void {
    const now = Date.now();
    if (now - this.shown < (process.stderr.isTTY ? 1000 : 15_000)) return;
    this.shown = now;
    const line = `${text}, ${Math.round((now - this.began) / 1000)} s`;
    process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
  }

  done(): void {
    if (process.stderr.isTTY && this.shown !== this.began) process.stderr.write('\r\x1b[K');
  }
}

/** Ends with a usage error: one line, exit code 2. */
export function usage(words: string): never {
  process.stderr.write(`${words}\n`);
  process.exit(2);
}

/** A whole number from an option, within bounds. */
export function whole(name: string, text: string, min: number, max: number): number {
  const n = Number(text);
  if (!/^\d+$/.test(text) || n < min || n > max) usage(`--${name}: got '${text}', wanted a whole number from ${min} to ${max}`);
  return n;
}
