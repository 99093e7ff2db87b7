// What runs when functions end, asked of Go itself: random programs of calls, deferred calls, panics, recover and Goexit are played
// by Go 1.19 (unwind/main.go) and here, and must log the same and die of the same words.
//
// PROGRAMS=n: so many programs (100 without it); SEED=n: others. Without Go 1.19 the test is skipped, and says so.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Go, panic, Runtime, RuntimeError } from '../../runtime/index.ts';

const seed = Number(process.env.SEED ?? 20140901);
const many = Number(process.env.PROGRAMS ?? 100);

type Leaf = { readonly op: 'panic' | 'recover' | 'repanic' | 'goexit'; readonly n: number };
type Call = { readonly op: 'call' | 'defer'; readonly n: number; readonly body: readonly Step[] };
type Step = Leaf | Call;
type Body = readonly Step[];

/** Bodies of functions that call and defer others, so deep; the numbers of their steps differ. */
function bodies(depth: number): fc.Arbitrary<Body> {
  const n = fc.nat(9999);
  const leaf: fc.Arbitrary<Leaf> = fc.record({ op: fc.constantFrom<Leaf['op'][]>('panic', 'recover', 'recover', 'repanic', 'goexit'), n });
  if (depth === 0) return fc.array(leaf, { minLength: 1, maxLength: 3 });
  const call: fc.Arbitrary<Call> = fc.record({ op: fc.constantFrom<Call['op'][]>('call', 'defer', 'defer'), n, body: bodies(depth - 1) });
  return fc.array(fc.oneof({ weight: 2, arbitrary: leaf }, { weight: 3, arbitrary: call }), { minLength: 1, maxLength: 4 });
}
/** Two deferred calls first, so that most programs do something before they die. */
const programs: fc.Arbitrary<Body> = fc
  .tuple(bodies(2), bodies(2), bodies(3))
  .map(([first, second, rest]) => [{ op: 'defer', n: 1, body: first }, { op: 'defer', n: 2, body: second }, ...rest]);

/** What a program logs, and what it dies of; '': of nothing. */
interface Played {
  readonly log: readonly string[];
  readonly words: string;
}

function ours(program: Body): Played {
  const log: string[] = [];
  function* play(go: Go, name: number, body: Body): Generator<void, void, void> {
    for (const step of body) {
      const { n } = step;
      if (step.op === 'panic') panic(`p${n}`);
      else if (step.op === 'recover') log.push(`${n} recover ${String(go.recover() ?? '<nil>')}`);
      else if (step.op === 'repanic') {
        const r = go.recover();
        if (r !== null) panic(r);
      } else if (!('body' in step)) go.goexit();
      else if (step.op === 'call') {
        yield* go.call(play, n, step.body);
        log.push(`${n} called`);
      } else go.defer(() => go.call(play, n, step.body));
    }
    log.push(`${name} ends`);
  }
  try {
    new Runtime({ heapBytes: 1 << 20 }).run(function* main(go) {
      yield* go.call(play, 0, program);
    });
    return { log, words: '' };
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    return { log, words: wordsOf(error.message) };
  }
}

/** What stands before the first goroutine. */
const wordsOf = (text: string) => text.split('\n\ngoroutine ')[0]!.trim();
const linesOf = (text: string) => text.split('\n').filter((line) => line !== '');

const version = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' }).stdout ?? '';
const hasGo = /^go1\.19\b/.test(version);
if (!hasGo) console.log('skipped: no Go 1.19 here, which would say what runs when functions end');

test.skipIf(!hasGo)(
  `${many} random programs of panics and deferred calls end as in Go`,
  () => {
    const all = fc.sample(programs, { seed, numRuns: many });
    const folder = mkdtempSync(join(tmpdir(), 'gorena-unwind-'));
    const endings = new Set<string>();
    try {
      const file = join(folder, 'programs.json');
      writeFileSync(file, JSON.stringify(all));
      execFileSync('go', ['build', '-o', join(folder, 'unwind'), '.'], { cwd: join(import.meta.dirname, 'unwind') });
      for (const [i, program] of all.entries()) {
        const { stdout, stderr } = spawnSync(join(folder, 'unwind'), [file, String(i)], { encoding: 'utf8' });
        const theirs: Played = { log: linesOf(stdout), words: wordsOf(stderr) };
        expect(ours(program), `program ${i} of seed ${seed}: ${JSON.stringify(program)}`).toEqual(theirs);
        endings.add(theirs.words.replace(/\d+/g, ''));
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
    expect(endings.size, 'kinds of endings').toBeGreaterThan(5);
  },
  240_000,
);
