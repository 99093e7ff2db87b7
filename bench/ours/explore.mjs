// Exploring schedules, on the built bundle: explore.mjs PROGRAM SCHEDULES [STRATEGY [THREADS]]. Prints the time of a schedule and of a
// step, fresh machine included, and how much the process has grown from the first tenth of the schedules to the last.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { distDir, emit } from '../lib/side.mjs';
import * as programs from './explore-programs.mjs';

const [, , name, countText = '0', strategy = 'random', threads = '0'] = process.argv;
const { explore, exploreSync } = await import(pathToFileURL(join(distDir(), 'sim.js')).href);
const schedules = Number(countText) || 400_000;

if (threads !== '0') {
  const module = new URL('./explore-programs.mjs', import.meta.url).href;
  const found = await explore({ module, name }, { schedules, strategy, workers: Number(threads) });
  emit('schedule', found.millis, found.schedules, { distinct: found.distinct });
} else {
  const program = new Map(Object.entries(programs)).get(name);
  const run = (seed) => exploreSync(program, { schedules: schedules / 10, strategy, seed });
  run(0); // V8 compiles
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  for (let seed = 1; seed <= 10; seed++) {
    const { millis, schedules, steps, failure } = run(seed);
    if (failure !== null) throw new Error(`${name}: ${failure.message}`);
    emit('schedule', millis, schedules, { steps });
    emit('step', millis, steps);
  }
  globalThis.gc?.();
  console.log(JSON.stringify({ b: 'growth', n: schedules, megabytes: Math.max((process.memoryUsage().rss - before) / 1e6, 0) }));
}
