// The report: one page that needs nothing but itself, the same for the same numbers, with a table for each picture; and a browser
// opens it, where there is one.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Measured } from '../../../experiment/measure.ts';
import { report } from '../../../experiment/report.ts';
import { resultsOf } from '../../../experiment/results.ts';
import { campaignOf, measureAt } from '../../../experiment/runner.ts';
import { experimentOf } from '../../../experiment/spec.ts';
import { chartSvg, short, timelineSvg } from '../../../experiment/svg.ts';

const file = {
  schemaVersion: 1,
  name: 'page',
  question: 'Is <b> & "c" kept as it is?',
  measure: 'skew',
  axes: { workload: [{ program: 'cache', size: 3000 }], gogc: [20, 40, 80], seed: [1, 2] },
  plots: [
    { title: 'Skew by scheme', x: 'scheme', y: 'skewBytesMean', by: 'gogc', scale: 'log' },
    { title: 'Skew by GOGC', x: 'gogc', y: 'skewBytesMax', by: 'scheme', where: { workload: 'cache' } },
    { title: 'Course', x: 'time', y: 'published', by: 'scheme', where: { gogc: 40 } },
  ],
};

function pageOf(): string {
  const experiment = experimentOf(file);
  const runs = campaignOf(experiment, '1').tasks.map((task) => ({
    task,
    result: JSON.parse(JSON.stringify(measureAt(task.job))) as Measured,
  }));
  return report(resultsOf(experiment, runs), '1.2.3');
}
const page = pageOf();

test('the same numbers are the same bytes', () => expect(pageOf()).toBe(page));

test('it needs nothing but itself: no script, no address, nothing to load', () => {
  expect(page).not.toMatch(/<script|<link|<img|<iframe|url\(|@import|https?:|\bsrc=|\bhref=/);
  expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
  expect(page).toContain('color-scheme:light dark');
  expect(page).toContain('prefers-color-scheme:dark');
});

test('what a file says is text, never markup', () => {
  expect(page).toContain('<h1>Is &lt;b&gt; &amp; &quot;c&quot; kept as it is?</h1>');
  expect(page).not.toContain('<b>');
});

test('every picture has a title, a description and its numbers as a table', () => {
  const pictures = page.match(/<svg viewBox="0 0 720 300"/g) ?? [];
  expect(pictures).toHaveLength(3); // two charts, and the course of the one run that the plot shows
  const named = [...page.matchAll(/aria-labelledby="(\S+) (\S+)"/g)].flatMap((m) => [m[1]!, m[2]!]);
  expect(new Set(named).size).toBe(6);
  for (const id of named) expect(page).toContain(` id="${id}">`);
  expect(page.match(/<summary>The numbers<\/summary>/g)).toHaveLength(2);
  expect(page).toMatch(/<tr><td class="name">three-stage<\/td><td>0<\/td><td>0<\/td><td>0<\/td><\/tr>/);
});

test('every tag that is opened is closed', () => {
  const open: string[] = [];
  for (const [, close, name, self] of page.matchAll(/<(\/?)([a-z][a-z0-9]*)\b[^>]*?(\/?)>/g)) {
    if (self === '/' || ['meta', 'doctype'].includes(name!)) continue;
    if (close === '') open.push(name!);
    else expect(open.pop()).toBe(name);
  }
  expect(open).toEqual([]);
});

describe('charts', () => {
  const chart = (values: (number | null)[], scale: 'linear' | 'log', shape: 'bars' | 'lines' = 'bars') =>
    chartSvg(
      {
        ...{ title: 't', xTitle: 'x', yTitle: 'y', places: values.map(String), scale, shape },
        series: [{ name: 's', marks: values.map((v) => (v === null ? null : { mean: v, min: v, max: v })) }],
      },
      'id',
    );
  const heights = (svg: string) => [...svg.matchAll(/<rect [^>]*height="([\d.]+)"/g)].map((m) => Number(m[1]));

  test('twice the value is twice the height; zero is a hair', () => {
    const [one, two, zero] = heights(chart([10, 20, 0], 'linear'));
    expect(two! / one!).toBeCloseTo(2, 1);
    expect(zero).toBe(1);
  });

  test('on a logarithmic scale ten times is one step, and zero stands at the foot', () => {
    const [a, b, c, zero] = heights(chart([10, 100, 1000, 0], 'log'));
    expect(b! - a!).toBeCloseTo(c! - b!, 0);
    expect(zero).toBe(1);
  });

  test('negative values hang below zero, missing ones leave a gap, nothing at all is drawn as well', () => {
    const svg = chart([-5, null, 5], 'linear');
    const [down, up] = heights(svg);
    expect(down).toBeCloseTo(up!, 0);
    for (const scale of ['linear', 'log'] as const) expect(chart([0, 0], scale)).not.toContain('NaN');
    expect(chart([1, null, 1e12], 'log', 'lines')).not.toContain('NaN');
    expect(timelineSvg({ title: 't', yTitle: 'y', series: [{ name: 's', micros: [], values: [] }] }, 'id')).not.toMatch(/NaN|Infinity/);
  });

  test('short numbers', () =>
    expect([0, 999, 1500, -2_345_678, 1e9, 0.01234].map(short)).toEqual(['0', '999', '1.5k', '-2.35M', '1G', '0.0123']));
});

describe('a browser', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gorena-report-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const browser = ['chromium', 'chromium-browser', 'google-chrome'].find((name) => spawnSync(name, ['--version']).status === 0);
  if (browser === undefined) console.log('report: no chromium here, so no browser opens the page');
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${join(folder, 'profile')}`, '--enable-logging=stderr'];

  test.skipIf(browser === undefined)('opens it, finds every picture, and has nothing to complain about', () => {
    const path = join(folder, 'page.html');
    writeFileSync(path, page);
    const ran = spawnSync(browser!, [...flags, '--dump-dom', `file://${path}`], { encoding: 'utf8', timeout: 50_000 });
    expect(ran.status).toBe(0);
    expect(ran.stderr).not.toMatch(/CONSOLE|Content Security Policy/);
    expect(ran.stdout.match(/<svg viewBox="0 0 720 300"/g)).toHaveLength(3);
    expect(ran.stdout.match(/<(rect|circle)\b/g)!.length).toBe(page.match(/<(rect|circle)\b/g)!.length);
    expect(ran.stdout).toContain('<h1>Is &lt;b&gt; &amp; "c" kept as it is?</h1>');
  });

  test.skipIf(browser === undefined)('draws it, in another way in the dark', () => {
    const shots = ['light', 'dark'].map((face) => {
      const shot = join(folder, `${face}.png`);
      const dark = face === 'dark' ? ['--blink-settings=preferredColorScheme=0'] : [];
      execFileSync(browser!, [...flags, ...dark, `--screenshot=${shot}`, `file://${join(folder, 'page.html')}`], {
        timeout: 50_000,
        stdio: 'ignore',
      });
      return readFileSync(shot);
    });
    expect(shots[0]!.length).toBeGreaterThan(5000);
    expect(shots[1]!.equals(shots[0]!)).toBe(false);
  });
});
