// What tests/tidy.test.ts checks, as functions of file contents: each returns one sentence for each violation, or nothing.
//
// A file is { path, text } with the path from the project's root; no function here reads the disk, so that each check can be
// shown a planted violation. The checks see code through `blank`, which replaces comments (and, on request, what is inside
// strings) by spaces: a comment may speak of `performance`, and a string may hold the word `import`.

export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** The folders that hold code. Those that do not exist yet have no files, and so nothing to complain about. */
export const codeFolders = [
  ...['runtime', 'profiler', 'heap', 'gc', 'sched', 'sim', 'campaign'],
  ...['cli', 'replay', 'experiment', 'testing', 'web', 'labs', 'examples', 'tests', 'bench', 'tools'],
] as const;

/** A file longer than this has more than one idea in it. */
export const maxLines = 700;

// ---- Reading code ---------------------------------------------------------------------------------------------------------

// A `/` after one of these starts a regular expression; after anything else it divides.
const beforeRegExp = /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|yield|do|else|void))\s*$/;

/**
 * The code with its comments replaced by spaces, newlines kept. With `strings`, the insides of strings, of the fixed parts
 * of templates and of regular expressions too. A scanner for tidy code: a wrong guess costs a false alarm, never a crash.
 */
export function blank(text: string, strings: boolean): string {
  const out = text.split('');
  const erase = (from: number, to: number) => {
    for (let i = from; i < to; i++) if (out[i] !== '\n') out[i] = ' ';
  };
  // For each `${` we are inside of: how many braces are open within it.
  const templates: number[] = [];
  let at = 0;
  const quoted = (quote: string) => {
    const start = at++;
    let inClass = false; // in /[/]/ the middle slash ends nothing
    while (at < text.length) {
      const c = text[at];
      if (c === '\\') at++;
      else if (quote === '/' && c === '[') inClass = true;
      else if (quote === '/' && c === ']') inClass = false;
      else if (quote === '`' && c === '$' && text[at + 1] === '{') break;
      else if (c === quote && !inClass) break;
      else if (c === '\n' && quote !== '`') break; // unterminated: not ours to report
      at++;
    }
    if (strings) erase(start + 1, Math.min(at, text.length));
    if (text[at] === '$') {
      templates.push(0);
      at += 2;
    } else at++;
  };
  while (at < text.length) {
    const c = text[at];
    const next = text[at + 1];
    const open = templates.length - 1;
    if (c === '/' && (next === '/' || next === '*')) {
      const end = next === '/' ? text.indexOf('\n', at) : text.indexOf('*/', at + 2) + 2;
      const stop = end < at + 2 ? text.length : end;
      erase(at, stop);
      at = stop;
    } else if (c === '"' || c === "'" || c === '`') quoted(c);
    else if (c === '/' && beforeRegExp.test(out.slice(Math.max(0, at - 40), at).join(''))) quoted('/');
    else if (c === '}' && open >= 0 && templates[open] === 0) {
      templates.pop();
      quoted('`');
    } else {
      if (open >= 0 && c === '{') templates[open]!++;
      if (open >= 0 && c === '}') templates[open]!--;
      at++;
    }
  }
  return out.join('');
}

/** What a file imports, exports from or loads, types included: `import('./x.ts').T` counts like any other. */
export function importsOf(text: string): string[] {
  const code = blank(text, false);
  const bare = blank(text, true);
  const found: string[] = [];
  for (const pattern of [/\b(?:import|export)\b[^'"`;()]*?\bfrom\s*(['"])(.+?)\1/g, /\bimport\s*\(?\s*(['"`])(.+?)\1/g]) {
    for (const m of code.matchAll(pattern)) {
      if (bare[m.index] !== ' ') found.push(m[2]!); // else the word stands inside a string
    }
  }
  return found;
}

// ---- 1. Layers ------------------------------------------------------------------------------------------------------------

// From bottom to top, as in the design: an import points down or sideways. What stands on one line is side by side.
const layers: readonly (readonly string[])[] = [
  ['runtime/internal'],
  ['profiler'],
  ['heap'],
  ['gc'],
  ['sched'],
  ['runtime'],
  ['sim', 'campaign'],
  ['cli', 'replay', 'experiment', 'testing', 'web', 'labs', 'examples', 'tests', 'bench', 'tools'],
];

/** The height of a path's layer, 0 at the bottom; -1 for a file outside all of them (package.json, a configuration). */
export function layerOf(path: string): number {
  if (path.startsWith('runtime/internal/')) return 0;
  const folder = path.split('/', 1)[0]!;
  return path.includes('/') ? layers.findIndex((names) => names.includes(folder)) : -1;
}

/** The path that a relative import means. */
function resolveFrom(importer: string, specifier: string): string {
  const parts = importer.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** No import points up, and below the top layer none leaves the project. */
export function importsPointDown(file: SourceFile): string[] {
  const mine = layerOf(file.path);
  const top = layers.length - 1;
  if (mine < 0) return [];
  return importsOf(file.text).flatMap((specifier) => {
    if (!specifier.startsWith('.')) {
      const free = mine === top || specifier.startsWith('node:'); // node: is checked by hostFree
      return free ? [] : [`${file.path} imports the package ${specifier}: below ${layers[top]!.join(', ')} there are no dependencies`];
    }
    const target = resolveFrom(file.path, specifier);
    const theirs = layerOf(target);
    if (theirs >= 0 && theirs <= mine) return [];
    if (theirs < 0 && mine === top) return [];
    return [
      `${file.path} imports ${target}: that points up, from ${layers[mine]!.join('|')} to ${layers[theirs]?.join('|') ?? 'the root'}`,
    ];
  });
}

// ---- 2. Heads -------------------------------------------------------------------------------------------------------------

/** A file opens with its idea: a comment is the first thing in it, after a shebang at most. */
export function opensWithComment(file: SourceFile): string[] {
  return /^(?:#!.*\n)?\s*(?:\/\/|\/\*)/.test(file.text) ? [] : [`${file.path} does not open with a comment that says its idea`];
}

// ---- 3. Determinism -------------------------------------------------------------------------------------------------------

const nondeterministic: readonly (readonly [RegExp, string])[] = [
  [/\bMath\s*\.\s*random\b/, 'Math.random'],
  [/(?<![.\w$])Date\b(?!\s*[:?])/, 'Date'],
  [/(?<![.\w$])performance\b(?!\s*[:?])|\bglobalThis\s*\.\s*performance\b/, 'performance'],
  [/(?<![.\w$])process\b(?!\s*[:?])|\bglobalThis\s*\.\s*process\b/, 'process'],
];

/** Whether a file must run the same everywhere: the core and the runtime's public face, but not the host that knows Node. */
export function mustBeHostFree(path: string): boolean {
  const layer = layerOf(path);
  return layer >= 0 && layer <= layerOf('runtime/index.ts') && path !== 'runtime/host_node.ts';
}

/** Below the hosts there is no clock, no randomness and no Node: these come in through the host interface. */
export function hostFree(file: SourceFile): string[] {
  if (!mustBeHostFree(file.path)) return [];
  const node = importsOf(file.text).filter((specifier) => specifier.startsWith('node:'));
  const code = blank(file.text, true);
  const names = nondeterministic.filter(([pattern]) => pattern.test(code)).map(([, name]) => name);
  return [...node, ...names].map((name) => `${file.path} uses ${name}: only a host may`);
}

// ---- 4. Lock file ---------------------------------------------------------------------------------------------------------

/** The lock file pins by version and hash; an address would bind every machine to one registry. `make lock` removes them. */
export function namesNoHost(file: SourceFile): string[] {
  return file.text
    .split('\n')
    .flatMap((line, i) => (/"resolved"|\w:\/\//.test(line) ? [`${file.path}:${i + 1} names a host (run make lock): ${line.trim()}`] : []));
}

// ---- 5. Links -------------------------------------------------------------------------------------------------------------

/** Relative links of a page that lead to no file, according to `exists` (which takes a path from the root). */
export function brokenLinks(page: SourceFile, exists: (path: string) => boolean): string[] {
  // Code is not prose: `a[i](x)` is no link.
  const prose = page.text.replace(/^ *```[\s\S]*?^ *```/gm, '').replace(/`[^`\n]*`/g, '');
  const targets = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)|^\[[^\]]+\]:\s*(\S+)/gm)].map((m) => m[1] ?? m[2]!);
  return targets.flatMap((target) => {
    if (/^(?:[a-z][a-z0-9+.-]*:|#|\/\/)/i.test(target)) return [];
    const path = resolveFrom(page.path, decodeURI(target.split('#', 1)[0]!)).replace(/\/$/, '');
    return target.startsWith('/') || !exists(path) ? [`${page.path} links to ${target}, which does not exist`] : [];
  });
}

// ---- 6. Length ------------------------------------------------------------------------------------------------------------

/** Long files, but for those that `allowed` names. A name there that is not needed any more is a violation as well. */
export function tooLong(files: readonly SourceFile[], allowed: readonly string[]): string[] {
  const long = files.map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 })).filter(({ lines }) => lines > maxLines);
  const paths = new Set(long.map(({ path }) => path));
  return [
    ...long
      .filter(({ path }) => !allowed.includes(path))
      .map(({ path, lines }) => `${path} has ${lines} lines, more than ${maxLines}: split it`),
    ...allowed.filter((path) => !paths.has(path)).map((path) => `${path} need not be listed as long any more`),
  ];
}

// ---- 7. Inlining ----------------------------------------------------------------------------------------------------------

/**
 * Enum members that a bundle reads from an object at run time. esbuild replaces them by numbers, except those of an enum
 * whose initializer names an enum of another file; such an enum is a property read in every loop that uses it.
 */
export function enumReads(bundle: SourceFile): string[] {
  const code = blank(bundle.text, true);
  const enums = [...code.matchAll(/\bvar (\w+) = (?:\/\*.*?\*\/)?\s*\(\((\w+)\) => \{\s*\2\[/g)].map((m) => m[1]!);
  return enums.flatMap((name) => {
    const read = new RegExp(`(?<![\\w$.])${name}\\.(\\w+)`).exec(code);
    return read ? [`${bundle.path} reads ${read[0]} at run time: write the members of ${name} without naming another file's enum`] : [];
  });
}

// ---- 8. Overviews ---------------------------------------------------------------------------------------------------------

/** Files of a folder that the overview at the head of one of them does not name, and files that it names and are not there. */
export function overviewGaps(overview: SourceFile, names: readonly string[]): string[] {
  const head = overview.text.split('\n').findIndex((line) => !line.startsWith('//'));
  const named = new Set(
    overview.text
      .split('\n')
      .slice(0, head)
      .join('\n')
      .match(/\b\w+\.ts\b/g) ?? [],
  );
  const own = overview.path.slice(overview.path.lastIndexOf('/') + 1);
  return [
    ...names.filter((name) => name !== own && !named.has(name)).map((name) => `${overview.path} does not say what ${name} has`),
    ...[...named].filter((name) => !names.includes(name)).map((name) => `${overview.path} speaks of ${name}, which is not there`),
  ];
}
