// report: the results of an experiment as one HTML page. It needs nothing but itself: no script, no network, no font; it has a light
// and a dark face, and each picture is a table as well.
import { plural } from '../runtime/internal/words.ts';
import type { AxisName, Plot } from './measure.ts';
import { type Group, groups, placeOn, type Results, type Row, shownNumber, spread, varying } from './results.ts';
import type { Point } from './spec.ts';
import { chartSvg, colours, escaped, legend, type Mark, timelineSvg } from './svg.ts';

const style = `:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#59636e;--rule:#d1d9e0;--c0:#0b62b0;--c1:#c2410c;--c2:#0f766e;--c3:#9d2a8c;--c4:#8a6a00;--c5:#475569;--c6:#b91c46;--c7:#3f6212;--c8:#5b3fb5;--c9:#7c4a21}
@media(prefers-color-scheme:dark){:root{--bg:#14181d;--fg:#e6eaef;--dim:#9aa5b1;--rule:#39424d;--c0:#6cb6ff;--c1:#ff9a5c;--c2:#4fd1b5;--c3:#e29be0;--c4:#e3c04c;--c5:#a9b4c0;--c6:#ff8fa8;--c7:#a5d16a;--c8:#b6a6ff;--c9:#d9a679}}
body{margin:0 auto;max-width:60rem;padding:1.5rem 1rem 4rem;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;line-height:1.25}h2{font-size:1.15rem;margin-top:2.5rem}.dim,figcaption{color:var(--dim)}
figure{margin:1rem 0}figure>svg{width:100%;height:auto}svg text{fill:var(--fg);font:12px system-ui,sans-serif}
.grid{stroke:var(--rule)}.zero,.whisker{stroke:var(--fg);fill:none}.whisker{opacity:.55}
path[class^=l]{fill:none;stroke-width:2}.key{width:28px;height:12px;margin-right:.35em}.legend span{margin-right:1em;white-space:nowrap}
${Array.from({ length: colours }, (_, k) => `.s${k}{fill:var(--c${k})}.l${k}{stroke:var(--c${k})}`).join('')}
table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}th,td{padding:.2rem .6rem;border-bottom:1px solid var(--rule);text-align:right}
th:first-child,td.name,th.name{text-align:left}.wide{overflow-x:auto}summary{cursor:pointer}pre{overflow-x:auto;font-size:.8rem}`;

interface Cell {
  readonly text: string;
  readonly name?: boolean;
}

function table(caption: string, head: readonly Cell[], rows: readonly (readonly Cell[])[]): string {
  const cell = (tag: string, { text, name }: Cell, extra = '') => `<${tag}${extra}${name ? ' class="name"' : ''}>${escaped(text)}</${tag}>`;
  const body = rows.map((row) => `<tr>${row.map((c) => cell('td', c)).join('')}</tr>`).join('\n');
  return `<div class="wide"><table><caption class="dim">${escaped(caption)}</caption>
<thead><tr>${head.map((c) => cell('th', c, ' scope="col"')).join('')}</tr></thead>
<tbody>
${body}
</tbody></table></div>`;
}

/** Values of an axis in the order in which they come. */
function valuesOf(rows: readonly Row[], axis: AxisName): (string | number)[] {
  return [...new Set(rows.map((row) => row[axis]!))];
}

/** Whether a row is one of those that the plot shows. */
function shows({ where }: Plot, row: Row): boolean {
  return Object.entries(where).every(([axis, value]) => row[axis] === value);
}

function whereText({ where }: Plot): string {
  return Object.entries(where)
    .map(([axis, value]) => `${axis} ${value}`)
    .join(', ');
}

function chart(results: Results, plot: Plot, id: string): string {
  const rows = results.rows.filter((row) => shows(plot, row));
  const x = plot.x as AxisName;
  const places = valuesOf(rows, x);
  const names = valuesOf(rows, plot.by);
  const unit = results.figures.find(({ name }) => name === plot.y)!.unit;
  const markAt = (name: string | number, place: string | number): Mark | null => {
    const same = rows.filter((row) => row[plot.by] === name && row[x] === place);
    return same.length === 0 ? null : spread(same, plot.y);
  };
  const series = names.map((name) => ({ name: String(name), marks: places.map((place) => markAt(name, place)) }));
  const numbers = typeof places[0] === 'number';
  const picture = chartSvg(
    {
      ...{ title: plot.title, xTitle: x, yTitle: `${plot.y} (${unit})`, places: places.map(String), series, scale: plot.scale },
      shape: numbers && places.length > 2 ? 'lines' : 'bars',
    },
    id,
  );
  const cells = places.map((place, i) => [
    { text: String(place), name: !numbers },
    ...series.map(({ marks }) => ({ text: marks[i] === null ? '' : shownNumber(marks[i]!.mean) })),
  ]);
  const only = Object.keys(plot.where).length === 0 ? '' : ` Only ${whereText(plot)}.`;
  return `<h2>${escaped(plot.title)}</h2>
<figure>${legend(series.map(({ name }) => name))}
${picture}
<figcaption>Means over seeds and all other axes; a line goes from the least run to the largest${plot.scale === 'log' ? '; the scale is logarithmic, 0 stands at its foot' : ''}.${escaped(only)}</figcaption>
<details><summary>The numbers</summary>
${table(`${plot.y} in ${unit}`, [{ text: x, name: !numbers }, ...series.map(({ name }) => ({ text: name }))], cells)}
</details></figure>`;
}

/** Courses of more runs than this are left out of the page. */
const mostTimelines = 6;

function timelines(results: Results, plot: Plot, id: string): string {
  const places = (point: Point) => Object.fromEntries(results.axes.map((axis) => [axis, placeOn(axis, point, '')]));
  const runs = results.runs.filter(({ task, result }) => result.courses !== undefined && shows(plot, places(task.job)));
  const named = varying(results).filter((axis) => axis !== 'scheme' && axis !== 'workload');
  const pictures = runs.slice(0, mostTimelines).map(({ task: { job }, result }, i) => {
    const series = result.courses!.filter(({ name }) => name === plot.y).map(({ scheme, ...course }) => ({ ...course, name: scheme }));
    const caption = [job.program, ...named.map((axis) => `${axis} ${placeOn(axis, job, '')}`), `seed ${job.seed}`].join(', ');
    return `<figure>${i === 0 ? legend(series.map(({ name }) => name)) : ''}
${timelineSvg({ title: `${plot.title}: ${caption}`, yTitle: `${plot.y} (bytes)`, series }, `${id}-${i}`)}
<figcaption>${escaped(caption)}</figcaption></figure>`;
  });
  const more =
    runs.length > mostTimelines
      ? `<p class="dim">${plural(runs.length - mostTimelines, 'more course is', 'more courses are')} in the journal.</p>`
      : '';
  return `<h2>${escaped(plot.title)}</h2>\n${pictures.join('\n')}${more}`;
}

function numbers(results: Results, all: readonly Group[]): string {
  const axes = varying(results);
  const isName = (axis: AxisName) => typeof results.rows[0]?.[axis] === 'string';
  const head = [...axes.map((axis) => ({ text: axis, name: isName(axis) })), ...results.figures.map(({ name }) => ({ text: name }))];
  const rows = all.map(({ at, rows }) => [
    ...axes.map((axis) => ({ text: String(at[axis]), name: isName(axis) })),
    ...results.figures.map(({ name }) => ({ text: shownNumber(spread(rows, name).mean) })),
  ]);
  return table('Means over seeds', head, rows);
}

/** The page. The same results give the same bytes. version: of gorena. */
export function report(results: Results, version: string): string {
  const { experiment, figures, rows, runs } = results;
  const { name, question, measure, seeds, plots } = experiment;
  const pictures = plots.map((plot, i) => (plot.x === 'time' ? timelines(results, plot, `p${i}`) : chart(results, plot, `p${i}`)));
  const meanings = figures.map(
    (f) => `<dt><code>${f.name}</code> <span class="dim">(${escaped(f.unit)})</span></dt><dd>${escaped(f.what)}</dd>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(name)}: ${escaped(question)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escaped(question)}</h1>
<p class="dim">Experiment <code>${name}</code>, measure <code>${measure}</code>: ${plural(runs.length, 'run')}, ${plural(rows.length, 'row')}, ${seeds.length === 1 ? 'one seed' : `${seeds.length} seeds`}; gorena ${escaped(version)}.</p>
${pictures.join('\n')}
<h2>All numbers</h2>
<details><summary>Means over seeds, a row for each combination</summary>
${numbers(results, groups(results))}
</details>
<h2>What the figures mean</h2>
<dl>
${meanings.join('\n')}
</dl>
<h2>How it was measured</h2>
<details><summary>The experiment, as it was run</summary>
<pre>${escaped(JSON.stringify({ ...experiment, plots: undefined }, null, 1))}</pre>
</details>
</main>
</body>
</html>
`;
}
