// pool: the same file as many worker threads, each of which takes one job after the other. Results come back in any order, so
// whoever uses them goes by the job's number, and what is printed does not depend on how many workers there were.
import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

/** Worker threads when nobody says how many. */
export const defaultWorkers = availableParallelism();

/** In a worker thread: answers jobs. Does nothing in the main thread, and says so. */
export function serve<J, R>(work: (job: J) => R): boolean {
  if (isMainThread || parentPort === null) return false;
  const port = parentPort;
  port.on('message', (job: J) => port.postMessage(work(job)));
  return true;
}

/**
 * Runs all jobs on so many threads of the script that called it. done: told of each result; jobs are handed out in order,
 * and while `goOn` says yes. Throws what a worker dies of.
 */
export function runJobs<J, R>(
  jobs: readonly J[],
  workers: number,
  done: (result: R, job: number) => void,
  goOn: (job: number) => boolean = () => true,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let next = 0;
    let running = Math.min(workers, jobs.length);
    if (running === 0) resolve();
    for (let i = running; i > 0; i--) {
      const worker = new Worker(process.argv[1]!);
      let job = -1;
      const give = () => {
        if (next < jobs.length && goOn(next)) {
          job = next++;
          worker.postMessage(jobs[job]);
          return;
        }
        void worker.terminate();
        if (--running === 0) resolve();
      };
      worker.on('message', (result: R) => {
        done(result, job);
        give();
      });
      worker.on('error', reject);
      give();
    }
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
