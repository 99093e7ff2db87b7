// worker: a thread of an exploration; see parallel.ts. It loads the program, runs the blocks of schedules that it gets hold of, and
// says what it has found.
import { parentPort, workerData } from 'node:worker_threads';
import { Sampling } from './explore.ts';
import { inWorld } from './loop.ts';
import { programOf } from './module.ts';
import { blockSize, Shared, threadStride, type WorkerAnswer, type WorkerTask } from './parallel.ts';
import type { Failure } from './types.ts';

const { module, settings, shared, index } = workerData as WorkerTask;

async function work(): Promise<WorkerAnswer> {
  try {
    const program = await programOf(module);
    Atomics.store(shared, Shared.run + index * threadStride, 1);
    const result = inWorld(settings, (world) => {
      const sampling = new Sampling(world, program, settings);
      sampling.prepare();
      runBlocks(sampling);
      return sampling.result();
    });
    return { result: { ...result, failures: result.failures.map(portable) } };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return { error: { name, message } };
  }
}

/** A failure as it can be sent between threads: what was thrown may be anything. */
function portable(failure: Failure): Failure {
  const { error } = failure;
  return { ...failure, error: error === undefined || error instanceof Error ? error : String(error) };
}

function runBlocks(sampling: Sampling): void {
  for (;;) {
    const first = Atomics.add(shared, Shared.next, blockSize);
    for (let n = first; n < first + blockSize; n++) {
      if (n >= Atomics.load(shared, Shared.end) || sampling.late()) return;
      sampling.schedule(n);
      Atomics.add(shared, Shared.run + index * threadStride, 1);
      if (sampling.failures.enough) {
        stopAt(n);
        return;
      }
    }
  }
}

/** No schedule from number n on need be run. */
function stopAt(n: number): void {
  for (let end = Atomics.load(shared, Shared.end); n < end; ) {
    const found = Atomics.compareExchange(shared, Shared.end, end, n);
    if (found === end) return;
    end = found;
  }
}

const answer = await work();
Atomics.store(shared, Shared.run + index * threadStride, -1);
parentPort?.postMessage(answer);
