// The command's bundle, for tools/build.mjs and for the tests that run the command.
//
// The built-in programs lie in the bundle, so a line of them is a line of the bundle, and that is what profiles and reports would
// show. So the bundle knows what its lines were built of: the source map, cut down to the folders whose places people see, stands in
// it as the text of `__GORENA_PLACES__`, which runtime/callsite.ts reads. Rejected: Node's own source maps, which would have to be
// switched on by a second file before this one is loaded, and cost each start the parsing of a map twice as large as the bundle.
import { writeFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { build } from 'esbuild';

/** Folders with functions of goroutines in them: the programs, and what starts them. */
const shown = ['examples/', 'cli/'];

/** Stands for the table while the bundle is made; without line breaks, as the table, so that no line moves. */
const placeholder = 'the lines of this bundle';

/**
 * Bundles cli/main.ts of the project in the folder root into a file. banner: its first line. Throws what esbuild throws, which has
 * printed it.
 */
export async function buildCommand({ root, outfile, version, banner }) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['cli/main.ts'],
    outfile,
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: ['node20', 'es2022'],
    sourcemap: 'external',
    legalComments: 'none',
    define: { __GORENA_VERSION__: JSON.stringify(version), __GORENA_PLACES__: JSON.stringify(placeholder) },
    ...(banner ? { banner: { js: banner } } : {}),
    logLevel: 'warning',
  });
  const [map, code] = ['.map', '.js', '.mjs'].flatMap((end) => outputFiles.filter(({ path }) => path.endsWith(end)));
  const [before, after, ...more] = code.text.split(JSON.stringify(placeholder));
  if (after === undefined || more.length > 0) throw new Error('build: the table of places has no place of its own in the bundle');
  writeFileSync(
    outfile,
    `${before}${JSON.stringify(JSON.stringify(placesOf(code.text, JSON.parse(map.text), (source) => relative(root, join(dirname(outfile), source)))))}${after}`,
  );
}

/**
 * What the lines of a bundle were built of: by source, stretches of lines [first line of the bundle, line of the source, lines] that
 * lie in both in the same order without a gap. Lines count from 1. pathOf: path in the project of a source as the map names it.
 */
function placesOf(code, payload, pathOf) {
  const map = new SourceMap(payload);
  const places = {};
  code.split('\n').forEach((text, i) => {
    const entry = map.findEntry(i, text.length - text.trimStart().length);
    if (entry.generatedLine !== i) return; // nothing of this line has an origin
    const source = pathOf(entry.originalSource);
    if (!shown.some((folder) => source.startsWith(folder))) return;
    places[source] ??= [];
    const [line, from, last] = [i + 1, entry.originalLine + 1, places[source].at(-1)];
    if (last !== undefined && line === last[0] + last[2] && from === last[1] + last[2]) last[2]++;
    else places[source].push([line, from, 1]);
  });
  return places;
}
