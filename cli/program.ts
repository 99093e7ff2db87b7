// program: a program of the user's, as a module. `gorena explore FILE` imports FILE and takes a goroutine function out of it.
//
//   .mjs .js        imported as it is
//   .ts .mts        esbuild, where the project has it, makes one file of it under node_modules/.cache; else Node itself, from
//                   22.18 on, which leaves the types out
//
// The command is one bundle with the runtime in it. A program that imports `gorena` must get that very runtime, and not a second
// copy from node_modules whose channels, types and panics the first does not know. So the loader answers `gorena` and
// `gorena/sim` with modules that hand out what is in the bundle.
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createRequire, register } from 'node:module';
import { extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fileFault } from '../replay/logreader.ts';
import * as gorena from '../runtime/index.ts';
import * as sim from '../sim/index.ts';
import { didYouMean, FileError, UsageError } from './args.ts';

/** What the command hands to programs that import it. */
const shared: Readonly<Record<string, object>> = { gorena, 'gorena/sim': sim };
/** Where the modules of the loader find it. */
const sharedKey = Symbol.for('gorena.modules');

/** Extensions of module files, and which of them are TypeScript. */
const extensions = ['.mjs', '.js', '.ts', '.mts'];
const isTypeScript = (file: string) => /\.m?ts$/.test(file);

/** Whether a word of the command line means a file, and not the name of a built-in program. */
export function meansFile(word: string): boolean {
  return /[/\\]/.test(word) || extensions.includes(extname(word));
}

/** A goroutine function and what it is called. */
export interface Loaded<F> {
  readonly name: string;
  readonly program: F;
}

/**
 * Takes the goroutine function out of a module file: the export of that name; without a name `default`, `main`, or the only
 * function there is. Throws UsageError and FileError, one line each.
 */
export async function loadProgram(command: string, file: string, exportName: string | undefined): Promise<Loaded<sim.Program>> {
  const exports = await importFile(command, resolve(file), file);
  const functions = Object.keys(exports).filter((name) => typeof exports[name] === 'function');
  const name = exportName ?? ['default', 'main'].find((n) => functions.includes(n)) ?? (functions.length === 1 ? functions[0]! : undefined);
  if (name === undefined) {
    const there = functions.length === 0 ? 'no function' : `the functions ${functions.join(', ')}`;
    throw new UsageError(`${command}: ${file} exports ${there}; wanted default or main, or name one with --export`);
  }
  if (!Object.hasOwn(exports, name)) {
    const there = functions.length === 0 ? 'it exports no function' : `there are: ${functions.join(', ')}`;
    throw new UsageError(`${command}: ${file} has no export '${name}', ${there}${didYouMean(name, functions)}`);
  }
  const program = exports[name];
  if (!isGoroutineFunction(program)) {
    const got = program === null ? 'null' : typeof program === 'function' ? functionKind(program) : `a ${typeof program}`;
    throw new UsageError(`${command}: export '${name}' of ${file} is ${got}, wanted function* (go) { … }`);
  }
  const own = (program as { name: string }).name;
  return { name: name === 'default' ? own || 'main' : name, program: program as sim.Program };
}

function isGoroutineFunction(value: unknown): boolean {
  return typeof value === 'function' && value.constructor.name === 'GeneratorFunction';
}

function functionKind(value: object): string {
  const kinds: Record<string, string> = {
    AsyncFunction: 'an async function (exploreAsync of gorena/sim takes one)',
    AsyncGeneratorFunction: 'an async generator function',
  };
  return kinds[value.constructor.name] ?? 'a plain function';
}

async function importFile(command: string, path: string, file: string): Promise<Record<string, unknown>> {
  if (!extensions.includes(extname(path))) {
    throw new UsageError(`${command}: got file '${file}', wanted a module: ${extensions.join(', ')}`);
  }
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw new FileError(`cannot read ${file}: ${stat.isDirectory() ? 'it is a directory' : 'it is no file'}`);
  } catch (error) {
    const fact = fileFault(error);
    throw fact === null ? error : new FileError(`cannot read ${file}: ${fact}`);
  }
  shareModules();
  const module = isTypeScript(path) ? await fromTypeScript(command, path, file) : path;
  try {
    return (await import(pathToFileURL(module).href)) as Record<string, unknown>;
  } catch (error) {
    const words = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new FileError(`cannot load ${file}: ${words.split('\n')[0]}`);
  }
}

// --- TypeScript ------------------------------------------------------------------------------------------------------------

/** The part of esbuild that is used. */
interface Esbuild {
  build(options: object): Promise<{ outputFiles: { text: string }[] }>;
}

/** The file to import in place of a TypeScript file. */
async function fromTypeScript(command: string, path: string, file: string): Promise<string> {
  const found = findEsbuild(path);
  if (found === null) {
    if ((process.features as { typescript?: unknown }).typescript) return path;
    throw new UsageError(
      `${command}: ${file} is TypeScript, which Node ${process.versions.node} does not read and esbuild is not installed for; ` +
        'npm install -D esbuild, or take Node 22.18 or later, or compile it to .mjs',
    );
  }
  const { build } = (await import(pathToFileURL(found).href)) as Esbuild & { default?: Esbuild };
  const folder = join(found.slice(0, found.lastIndexOf('node_modules')), 'node_modules', '.cache', 'gorena');
  let text: string;
  try {
    const result = await build({
      ...{ entryPoints: [path], outfile: join(folder, 'x.mjs'), bundle: true, write: false, packages: 'external', logLevel: 'silent' },
      ...{ format: 'esm', platform: 'node', target: `node${process.versions.node}`, sourcemap: 'inline', keepNames: true },
    });
    text = result.outputFiles[0]!.text;
  } catch (error) {
    const first = (error as { errors?: { text: string; location?: { file: string; line: number } }[] }).errors?.[0];
    if (first === undefined) throw error;
    const at = first.location ? `${first.location.file}:${first.location.line}: ` : '';
    throw new FileError(`cannot load ${file}: ${at}${first.text}`);
  }
  process.setSourceMapsEnabled(true); // file and line of a failure are those of the TypeScript file
  const out = join(folder, `${createHash('sha256').update(path).update(text).digest('hex').slice(0, 16)}.mjs`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${out}.${process.pid}.part`, text);
  renameSync(`${out}.${process.pid}.part`, out);
  return out;
}

/** esbuild as the program's own folder sees it, or the folder that the command was started in. */
function findEsbuild(path: string): string | null {
  for (const from of [path, join(process.cwd(), 'x')]) {
    try {
      return createRequire(from).resolve('esbuild');
    } catch {} // not there: the next one
  }
  return null;
}

// --- one runtime -----------------------------------------------------------------------------------------------------------

let isShared = false;

/** From now on `gorena` means this bundle to every module that is imported in this thread. */
function shareModules(): void {
  if (isShared) return;
  isShared = true;
  (globalThis as Record<symbol, unknown>)[sharedKey] = shared;
  const sources = Object.fromEntries(Object.entries(shared).map(([name, exports]) => [name, sourceOf(name, Object.keys(exports))]));
  const hooks = `
    const sources = ${JSON.stringify(sources)};
    export async function resolve(specifier, context, next) {
      if (Object.hasOwn(sources, specifier)) return { url: 'gorena:' + specifier, shortCircuit: true };
      return next(specifier, context);
    }
    export async function load(url, context, next) {
      if (url.startsWith('gorena:')) return { format: 'module', source: sources[url.slice(7)], shortCircuit: true };
      return next(url, context);
    }`;
  register(`data:text/javascript,${encodeURIComponent(hooks)}`);
}

/** A module that exports what is shared under a name. */
function sourceOf(name: string, exports: readonly string[]): string {
  const from = `globalThis[Symbol.for('gorena.modules')][${JSON.stringify(name)}]`;
  return `export const { ${exports.join(', ')} } = ${from};`;
}
