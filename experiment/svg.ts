// svg: the charts of a report, as text. Bars for names, lines for numbers, both with whiskers from the least to the largest run.
//
// Why no library: a report must open from a file, without a network and without a script, and be the same bytes for the same numbers.
// What is left of a charting library then is two shapes, an axis and a legend. Colours are CSS variables, so that the page can have a
// light and a dark set; each line has a dash of its own as well and bars stand in the legend's order, for who does not see the colours.

/** One value of one series. */
export interface Mark {
  readonly mean: number;
  readonly min: number;
  readonly max: number;
}

/** Marks of one colour, as many as the chart has places; null: there is none. */
export interface Series {
  readonly name: string;
  readonly marks: readonly (Mark | null)[];
}

/** A chart of places along x. */
export interface Chart {
  readonly title: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly places: readonly string[];
  readonly series: readonly Series[];
  readonly scale: 'linear' | 'log';
  readonly shape: 'bars' | 'lines';
}

/** A chart over time: each series has its own moments. */
export interface Timeline {
  readonly title: string;
  readonly yTitle: string;
  readonly series: readonly { readonly name: string; readonly micros: readonly number[]; readonly values: readonly number[] }[];
}

/** Colours that the page has: --c0 … */
export const colours = 10;

const box = { width: 720, height: 300, left: 78, right: 12, top: 12, bottom: 46 } as const;
const inner = { width: box.width - box.left - box.right, height: box.height - box.top - box.bottom } as const;
const dashes = ['none', '6 3', '2 3', '9 3 2 3', '1 2', '12 4'];

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** 1234567 -> 1.23M; short enough for an axis. */
export function short(x: number): string {
  const size = Math.abs(x);
  for (const [unit, name] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const)
    if (size >= unit) return `${Number((x / unit).toPrecision(3))}${name}`;
  return String(Number(x.toPrecision(3)));
}

const at = (n: number) => String(Math.round(n * 10) / 10);

/** An axis of values: where a value stands, 0 at the bottom and 1 at the top, and the values that are named. */
interface Axis {
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

/** Steps of 1, 2 or 5 times a power of ten. */
function linear(values: readonly number[]): Axis {
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const span = high - low || 1;
  const power = 10 ** Math.floor(Math.log10(span / 4));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => span / s <= 5)!;
  const first = Math.floor(low / step);
  const last = Math.ceil(high / step) || 1;
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  return { place: (v) => (v - first * step) / ((last - first) * step), ticks };
}

/** Powers of ten, and 0 below the least of them. */
function logarithmic(values: readonly number[]): Axis {
  const positive = values.filter((v) => v > 0);
  if (positive.length === 0) return linear(values);
  const first = Math.floor(Math.log10(Math.min(...positive))) - 1; // the place of 0
  const last = Math.max(Math.ceil(Math.log10(Math.max(...positive))), first + 2);
  const powers = Array.from({ length: last - first }, (_, i) => first + 1 + i);
  const every = Math.ceil(powers.length / 7);
  const ticks = [0, ...powers.filter((_, i) => i % every === 0).map((p) => 10 ** p)];
  return { place: (v) => (v <= 0 ? 0 : Math.max((Math.log10(v) - first) / (last - first), 0.01)), ticks };
}

const yOf = (axis: Axis, value: number) => box.top + inner.height * (1 - axis.place(value));

function frame(axis: Axis, yTitle: string, xLabels: readonly { readonly x: number; readonly text: string }[], xTitle: string): string {
  const right = box.width - box.right;
  const bottom = box.top + inner.height;
  const lines = axis.ticks.map((t) => {
    const y = at(yOf(axis, t));
    return `<line class="${t === 0 ? 'zero' : 'grid'}" x1="${box.left}" x2="${right}" y1="${y}" y2="${y}"/><text x="${box.left - 6}" y="${y}" dy="4" text-anchor="end">${short(t)}</text>`;
  });
  const labels = xLabels.map(({ x, text }) => `<text x="${at(x)}" y="${bottom + 18}" text-anchor="middle">${escaped(text)}</text>`);
  const titles = `<text x="${box.left + inner.width / 2}" y="${box.height - 6}" text-anchor="middle">${escaped(xTitle)}</text><text transform="translate(14 ${box.top + inner.height / 2}) rotate(-90)" text-anchor="middle">${escaped(yTitle)}</text>`;
  return [...lines, ...labels, titles].join('\n');
}

function svg(id: string, title: string, what: string, body: string): string {
  return `<svg viewBox="0 0 ${box.width} ${box.height}" role="img" aria-labelledby="${id}-t ${id}-d">
<title id="${id}-t">${escaped(title)}</title>
<desc id="${id}-d">${escaped(what)}</desc>
${body}
</svg>`;
}

/** A chart as SVG. id: unique on the page. */
export function chartSvg(chart: Chart, id: string): string {
  const { places, series, shape, scale } = chart;
  const all = series.flatMap(({ marks }) => marks.flatMap((m) => (m === null ? [] : [m.min, m.mean, m.max])));
  const axis = scale === 'log' ? logarithmic(all) : linear(all);
  const step = inner.width / places.length;
  const middle = (i: number) => box.left + step * (i + 0.5);
  const drawn = series.map((s, k) => (shape === 'bars' ? bars(s, k, series.length, axis, step) : line(s, k, series.length, axis, middle)));
  const labels = places.map((text, i) => ({ x: middle(i), text }));
  const what = `${shape === 'bars' ? 'Bars' : 'Lines'} of ${series.map((s) => s.name).join(', ')} for ${places.join(', ')}. The numbers are in the table below.`;
  return svg(id, chart.title, what, `${frame(axis, chart.yTitle, labels, chart.xTitle)}\n${drawn.join('\n')}`);
}

const tip = (series: string, m: Mark) => `<title>${escaped(series)}: ${short(m.mean)} (${short(m.min)} to ${short(m.max)})</title>`;

function whisker(x: number, axis: Axis, m: Mark): string {
  return m.min === m.max ? '' : `<path class="whisker" d="M${at(x)} ${at(yOf(axis, m.min))}V${at(yOf(axis, m.max))}"/>`;
}

function bars({ name, marks }: Series, k: number, many: number, axis: Axis, step: number): string {
  const width = (step * 0.8) / many;
  const base = yOf(axis, 0);
  return marks
    .map((m, i) => {
      if (m === null) return '';
      const x = box.left + step * (i + 0.1) + width * k;
      const y = yOf(axis, m.mean);
      const rect = `x="${at(x)}" width="${at(Math.max(width - 1, 1))}" y="${at(Math.min(y, base))}" height="${at(Math.max(Math.abs(base - y), 1))}"`;
      return `<g><rect class="s${k % colours}" ${rect}/>${tip(name, m)}</g>${whisker(x + width / 2, axis, m)}`;
    })
    .join('');
}

function line({ name, marks }: Series, k: number, many: number, axis: Axis, middle: (i: number) => number): string {
  const shift = (k - (many - 1) / 2) * 3; // so that equal series can be told apart
  const points = marks.flatMap((m, i) => (m === null ? [] : [{ x: middle(i) + shift, y: yOf(axis, m.mean), m }]));
  const path = points.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${at(x)} ${at(y)}`).join('');
  const dots = points.map(
    ({ x, y, m }) => `${whisker(x, axis, m)}<g><circle class="s${k % colours}" cx="${at(x)}" cy="${at(y)}" r="3.5"/>${tip(name, m)}</g>`,
  );
  return `<path class="l${k % colours}" stroke-dasharray="${dashes[k % dashes.length]}" d="${path}"/>${dots.join('')}`;
}

/** A course over virtual time as SVG. */
export function timelineSvg({ title, yTitle, series }: Timeline, id: string): string {
  const axis = linear(series.flatMap(({ values }) => values));
  const end = Math.max(1, ...series.flatMap(({ micros }) => micros.slice(-1)));
  const xOf = (micros: number) => box.left + (inner.width * micros) / end;
  const drawn = series.map(({ micros, values }, k) => {
    // a value holds until the next look
    const path = micros
      .map((t, i) => `${i === 0 ? 'M' : `H${at(xOf(t))}V`}${i === 0 ? `${at(xOf(t))} ` : ''}${at(yOf(axis, values[i]!))}`)
      .join('');
    return `<path class="l${k % colours}" stroke-dasharray="${dashes[k % dashes.length]}" d="${path}"/>`;
  });
  const millis = linear([end / 1e3]).ticks.filter((t) => t * 1e3 <= end);
  const labels = millis.map((t) => ({ x: xOf(t * 1e3), text: short(t) }));
  const peak = (values: readonly number[]) => short(values.reduce((a, b) => Math.max(a, b), 0));
  const what = `Lines over virtual time. Largest values: ${series.map((s) => `${s.name} ${peak(s.values)}`).join(', ')}.`;
  return svg(id, title, what, `${frame(axis, yTitle, labels, 'virtual time in ms')}\n${drawn.join('\n')}`);
}

/** Names with their colours and dashes. */
export function legend(names: readonly string[]): string {
  const keys = names.map(
    (name, k) =>
      `<span><svg class="key" viewBox="0 0 28 12" aria-hidden="true"><rect class="s${k % colours}" width="10" height="12"/><path class="l${k % colours}" stroke-dasharray="${dashes[k % dashes.length]}" d="M 12 6H28"/></svg>${escaped(name)}</span>`,
  );
  return `<p class="legend">${keys.join(' ')}</p>`;
}
