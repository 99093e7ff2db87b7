// workers: worker threads that do tasks. All of them run the same script as the main thread, and call serve there. See campaign.ts.
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

/**
 * Does one task: what JSON can say of its result. Must depend on nothing but the job. alive: to be called now and then in a task
 * that can take long, where somebody watches (stuckMs).
 */
export type Work = (job: never, alive: () => void) => unknown;

/** Milliseconds between two signs of life that are sent. */
const aliveMillis = 500;

/** TaskError.errorName of a task that gave no sign of life. */
export const stuckError = 'StuckError';

/** A task threw. message says which and what; cause is what it threw, as far as it can be sent between threads. */
export class TaskError extends Error {
  override readonly name = 'TaskError';
  constructor(
    readonly task: string,
    /** Name of the error's class. */
    readonly errorName: string,
    message: string,
    /** Its stack, for a bug of ours. */
    readonly errorStack: string,
  ) {
    super(`task '${task}': ${message}`);
  }
}

interface Job {
  readonly number: number;
  readonly id: string;
  readonly job: unknown;
}

interface Order extends Job {
  readonly kind: string;
}

type Answer =
  | { readonly alive: true }
  | { readonly number: number; readonly text: string }
  | { readonly number: number; readonly error: { name: string; message: string; stack: string } };

/**
 * In a worker thread: does tasks until the thread is ended, and returns true. In the main thread: does nothing and returns false.
 * works: what does a task of each kind; a promise is waited for.
 */
export function serve(works: Readonly<Record<string, Work>>): boolean {
  const port = parentPort;
  if (isMainThread || port === null) return false;
  port.on('message', async ({ kind, number, job }: Order) => {
    let answer: Answer;
    try {
      const work = works[kind];
      if (work === undefined) throw new TypeError(`nobody does tasks of kind ${kind}`);
      let told = performance.now();
      const alive = () => {
        const now = performance.now();
        if (now - told < aliveMillis) return;
        told = now;
        port.postMessage({ alive: true } satisfies Answer);
      };
      answer = { number, text: JSON.stringify((await work(job as never, alive)) ?? null) };
    } catch (error) {
      const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
      answer = { number, error: { name, message, stack: stack ?? '' } };
    }
    port.postMessage(answer);
  });
  return true;
}

/** What runTasks is told. */
export interface TasksToRun {
  readonly script: URL;
  readonly workers: number;
  readonly kind: string;
  readonly jobs: readonly Job[];
  /** Asked before a job is begun; jobs are begun in order, and once it says no, no other one is asked about. */
  readonly goOn: (number: number) => boolean;
  /** Result as JSON; in the order in which they come. What it throws ends everything. */
  readonly onResult: (number: number, text: string) => void;
  readonly signal?: AbortSignal;
  /** Milliseconds without a sign of life after which a task is given up, with stuckError; default: none. */
  readonly stuckMs?: number;
}

/** Runs jobs on worker threads. Ends early, without an error, when the signal comes. Throws TaskError for a job that throws. */
export async function runTasks({ script, workers, kind, jobs, goOn, onResult, signal, stuckMs = Infinity }: TasksToRun): Promise<void> {
  if (jobs.length === 0 || signal?.aborted === true) return;
  const threads: Worker[] = [];
  let stop = () => {};
  try {
    await new Promise<void>((resolve, reject) => {
      stop = resolve;
      signal?.addEventListener('abort', stop);
      let next = 0;
      let running = Math.min(workers, jobs.length);
      const begin = () => {
        const worker = new Worker(script);
        threads.push(worker);
        let current: Job | null = null;
        let watch: ReturnType<typeof setTimeout> | undefined;
        const rewind = () => {
          clearTimeout(watch);
          if (stuckMs === Infinity || current === null) return;
          const { id } = current;
          watch = setTimeout(() => reject(new TaskError(id, stuckError, `no sign of life for ${stuckMs / 1000} s`, '')), stuckMs);
          watch.unref();
        };
        const give = () => {
          if (next < jobs.length && goOn(jobs[next]!.number)) {
            current = jobs[next++]!;
            worker.postMessage({ kind, ...current } satisfies Order);
          } else {
            next = jobs.length;
            current = null;
            if (--running === 0) resolve();
          }
          rewind();
        };
        worker.on('message', (answer: Answer) => {
          try {
            if ('alive' in answer) {
              rewind();
              return;
            }
            if ('error' in answer) {
              const { name, message, stack } = answer.error;
              throw new TaskError(current!.id, name, message, stack);
            }
            onResult(answer.number, answer.text);
            give();
          } catch (error) {
            reject(error);
          }
        });
        // an error outside of any task, or a thread that ran out of memory
        worker.on('error', (error) => reject(new TaskError(current?.id ?? 'none', error.name, error.message, error.stack ?? '')));
        worker.on('exit', () => {
          if (current !== null) reject(new TaskError(current.id, 'Error', 'its thread ended', ''));
        });
        give();
      };
      for (let i = running; i > 0; i--) begin();
    });
  } finally {
    signal?.removeEventListener('abort', stop);
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}
