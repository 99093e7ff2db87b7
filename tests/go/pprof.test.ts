// The real `go tool pprof` reads our profiles: what it makes of them agrees, figure by figure, with what was recorded. Without Go
// the tests are skipped, and say so.
import { afterAll, describe, expect, test } from 'vitest';
import { churn } from '../../examples/churn.ts';
import { trees } from '../../examples/trees.ts';
import { type GoFunc, i32, inUseBytes, inUseObjects, type Profile, Runtime, schemeNames } from '../../runtime/index.ts';
import { GoPprof } from '../support/pprof.ts';

const pprof = GoPprof.find('our profiles');
afterAll(() => pprof?.remove());

/** The samples as `-raw` shows them: values, and stacks by function, file and line. */
function rawSamples(out: string): string[] {
  const lines = out.split('\n');
  const at = (head: string) => lines.findIndex((l) => l.startsWith(head));
  const names = new Map(
    lines.slice(at('Locations') + 1, at('Mappings')).map((l) => {
      const [, id, name] = /^\s*(\d+): 0x[0-9a-f]+ M=1 (.*) s=0/.exec(l) ?? [];
      return [id, name] as const;
    }),
  );
  const rows = lines.slice(at('Samples:') + 2, at('Locations')).filter((l) => !/^\s+\w+:\[/.test(l));
  return rows.map((l) => {
    const [values, ids] = l.split(':');
    return `${values!.trim().split(/\s+/).join(' ')}: ${ids!.trim().split(' ').filter(Boolean).map((id) => names.get(id)).join(' <- ')}`;
  }); // biome-ignore format: reads as one sentence
}

/** The same of our own data. */
function ownSamples(rt: Runtime, p: Profile): string[] {
  const { symtab } = rt.machine;
  return p.data.samples.map((s) => `${s.values.join(' ')}: ${s.stack.map((pc) => symtab.text(pc)).join(' <- ')}`);
}

/** Flat and cumulative values of one sample type by function, as pprof counts them: a function once in a stack. */
function totals(rt: Runtime, p: Profile, type: number): Map<string, { flat: number; cum: number }> {
  const out = new Map<string, { flat: number; cum: number }>();
  for (const { stack, values } of p.data.samples) {
    const funcs = stack.map((pc) => rt.machine.symtab.frame(pc).func);
    for (const func of new Set(funcs)) {
      const row = out.get(func) ?? { flat: 0, cum: 0 };
      row.cum += values[type]!;
      if (func === funcs[0]) row.flat += values[type]!;
      out.set(func, row);
    }
  }
  return out;
}

/** Rows of -top agree; pprof leaves out functions whose figures are all zero. */
function expectTop(rt: Runtime, p: Profile): void {
  for (const [i, sampleType] of p.data.sampleTypes.entries()) {
    const ours = [...totals(rt, p, i)].filter(([, { flat, cum }]) => flat !== 0 || cum !== 0);
    const theirs = [...pprof!.top(p.proto(), sampleType)].filter(([, { flat, cum }]) => flat !== 0 || cum !== 0);
    expect(new Map(theirs), sampleType.type).toEqual(new Map(ours));
  }
}

const runs = [
  ['churn at rate 1', () => churn(60_000), { memProfileRate: 1, gogc: 20 }],
  ['churn at 4096', () => churn(60_000), { memProfileRate: 4096, procs: 2 }],
  ['trees', () => trees(10), { memProfileRate: 512, procs: 3 }],
] as const;

describe.skipIf(pprof === null)('heap and allocs', () => {
  test.each(runs)('%s: -raw, -top and -traces', (_, program, options) => {
    const rt = new Runtime({ heapBytes: 16 << 20, ...options });
    rt.run(program());
    for (const name of ['heap', 'allocs'] as const) {
      const p = rt.profile(name);
      expect(p.data.samples.length).toBeGreaterThan(1);
      const raw = pprof!.report(p.proto(), '-raw');
      expect(rawSamples(raw)).toEqual(ownSamples(rt, p));
      expect(raw).toContain(`PeriodType: space bytes\nPeriod: ${options.memProfileRate}\n`);
      expect(raw).toContain(name === 'allocs' ? 'alloc_space/bytes[dflt]' : 'inuse_objects/count inuse_space/bytes\n');
      expectTop(rt, p);
      const traces = pprof!.report(p.proto(), '-traces', '-sample_index=alloc_objects');
      for (const s of p.data.samples) for (const pc of s.stack) expect(traces).toContain(rt.machine.symtab.frame(pc).func);
      expect(traces).toContain(`gorena seed=1 procs=${rt.settings.procs} gogc=${rt.settings.gogc} era=1.19 scheme=three-stage cycle=`);
    }
  });

  test.each(runs)('%s: the text is read as a legacy profile, and scaled by pprof to the same figures', (_, program, options) => {
    const rt = new Runtime({ heapBytes: 16 << 20, ...options });
    rt.run(program());
    const p = rt.profile('heap');
    const values = (lines: string[]) => lines.map((l) => l.split(':')[0]!).sort();
    const inUse = p.data.samples.map((s) => s.values.slice(2).join(' ')).filter((v) => v !== '0 0');
    const read = values(rawSamples(pprof!.report(p.text(), '-raw')))
      .map((v) => v.split(' ').slice(-2).join(' '))
      .filter((v) => v !== '0 0');
    expect(read.sort()).toEqual(inUse.sort());
    expect(inUse.length).toBeGreaterThan(0);
  });

  test('figures below zero, as the scheme seed has them', () => {
    const rt = new Runtime({ heapBytes: 16 << 20, memProfileRate: 1, gogc: 20, scheme: 'seed', watch: schemeNames });
    const main = churn(60_000);
    rt.run(function* all(go) {
      yield* main(go);
      yield* go.gc();
    });
    const p = rt.profile('heap');
    const objects = rt.memProfile(true).reduce((n, r) => n + inUseObjects(r), 0);
    const bytes = rt.memProfile(true).reduce((n, r) => n + inUseBytes(r), 0);
    expect(objects).toBeLessThan(0);
    const raw = rawSamples(pprof!.report(p.proto(), '-raw'));
    const sums = raw.map((l) => l.split(':')[0]!.split(' ').map(Number)).reduce((a, b) => a.map((n, i) => n + b[i]!));
    expect(sums.slice(2)).toEqual([objects, bytes]);
    const right = rt.profile('heap', { scheme: 'three-stage' });
    expect(right.data.samples.every(({ values }) => values[2]! >= 0)).toBe(true);
    expect(pprof!.report(right.proto(), '-comments')).toContain('scheme=three-stage');
  });
});

// A program in which every kind of profile has something: goroutines that wait for channels, for locks and for each other.
const busyMain: GoFunc<[]> = function* main(go) {
  const [ch, mu, wg] = [go.chan(i32), go.mutex(), go.waitGroup()];
  for (let i = 0; i < 6; i++) {
    wg.add(1);
    go.go(function* locker(go) {
      for (let k = 0; k < 20; k++) {
        yield* mu.lock();
        yield* go.sleep(1000 * (k + 1));
        mu.unlock();
      }
      wg.done();
    });
  }
  for (let i = 0; i < 3; i++) {
    go.go(function* receiver() {
      for (;;) yield* ch.recv();
    });
  }
  for (let i = 0; i < 50; i++) {
    yield* go.sleep(500);
    yield* ch.send(i);
  }
  yield* wg.wait();
};

describe.skipIf(pprof === null)('block, mutex, goroutine, threadcreate', () => {
  const kinds = ['block', 'mutex', 'goroutine', 'threadcreate'] as const;
  test.each([1, 5])('-raw and -top of each, and their texts; one of %d contentions', (mutexProfileFraction) => {
    const rt = new Runtime({ procs: 3, heapBytes: 8 << 20, blockProfileRate: 1, mutexProfileFraction });
    const taken: Profile[] = [];
    rt.run(function* main(go) {
      yield* busyMain(go);
      for (const kind of kinds) taken.push(go.profile(kind));
    });
    for (const [i, p] of taken.entries()) {
      const kind = kinds[i]!;
      const raw = pprof!.report(p.proto(), '-raw');
      expect(p.data.samples.length, kind).toBeGreaterThan(0);
      // threads have empty stacks, which pprof leaves out, Go's own as well
      expect(rawSamples(raw), kind).toEqual(kind === 'threadcreate' ? [] : ownSamples(rt, p));
      expect(raw).toContain(`PeriodType: ${i < 2 ? 'contentions' : kind} count\nPeriod: 1\n`);
      expectTop(rt, p);
      if (kind === 'threadcreate') continue; // and which it refuses in a text
      const fromText = rawSamples(pprof!.report(p.text(), '-raw')).map((l) => l.split(':')[0]!);
      if (kind === 'block' || kind === 'mutex') {
        // pprof multiplies both by the sampling period of the text, and has them as contentions and delay
        expect(fromText.sort()).toEqual(p.data.samples.map((s) => s.values.join(' ')).sort());
      } else expect(fromText).toEqual(p.data.samples.map((s) => s.values.join(' ')));
    }
    const [block, mutex, goroutine, threads] = taken;
    expect(rt.blockProfile().reduce((n, r) => n + r.cycles, 0)).toBe(block!.data.samples.reduce((n, s) => n + s.values[1]!, 0));
    expect(rt.mutexProfile().reduce((n, r) => n + r.count, 0) * mutexProfileFraction).toBe(
      mutex!.data.samples.reduce((n, s) => n + s.values[0]!, 0),
    );
    expect(goroutine!.text()).toMatch(/^goroutine profile: total 4\n3 @ 0x/);
    expect(threads!.text()).toMatch(/^threadcreate profile: total (\d+)\n\1 @\n#\t0x0\n\n$/);
  });
});
