// The sides of a benchmark: ours on the built bundle, and the peers that many suites share.
//
// A side is {name, available(context), command(context)}. `available` returns null, or one line that says why the side is skipped; it
// builds what it needs (into bench/.build/, once a run) and never installs anything. `command` returns {argv, env}. A side may have
// `prepare(context)`, which is awaited once before it runs: input files are made there. The context is {quick, dist}: small sizes wanted,
// and the folder of the bundle under test.

import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { benchDir, nodeCommand } from './child.mjs';

/** Where binaries and generated logs go. Not under version control. */
export const buildDir = join(benchDir, '.build');

/** Our side: `bench/ours/FILE` with arguments; skipped while the file or the bundle is missing. */
export function ours(file, args, flags = []) {
  const path = join(benchDir, 'ours', file);
  return {
    name: 'ours',
    available: ({ dist }) => {
      if (!existsSync(path)) return `not built yet: bench/ours/${file} is missing`;
      return missingFile(join(dist, 'index.js'));
    },
    command: (context) => ({ argv: nodeCommand([path, ...resolve(args, context)], flags), env: { GORENA_DIST: context.dist } }),
  };
}

/** Our side as a user runs it: dist/cli.js with arguments. */
export function oursCommand(args) {
  return {
    name: 'ours',
    available: ({ dist }) => missingFile(join(dist, 'cli.js')),
    command: (context) => ({
      argv: nodeCommand([join(context.dist, 'cli.js'), ...resolve(args, context)]),
      env: { GORENA_DIST: context.dist },
    }),
  };
}

/** Go's own settings as they come, whatever the user's shell has. */
const plainGo = { GOGC: '100', GOMEMLIMIT: 'off', GODEBUG: '' };

/** Native Go with GOMAXPROCS=1. Arguments: see peers/go/main.go. */
export function go(args) {
  return {
    name: 'go',
    available: () => goBinary(),
    command: (context) => ({ argv: [join(buildDir, 'peers-go'), ...resolve(args, context)], env: { ...plainGo, GOMAXPROCS: '1' } }),
  };
}

/** The same program compiled to WebAssembly, on this node. */
export function goWasm(args) {
  const runner = join(benchDir, 'peers/go/run-wasm.cjs');
  return {
    name: 'go-wasm',
    available: () => goWasmBinary(),
    command: (context) => ({
      argv: nodeCommand([runner, join(buildDir, 'peers-go.wasm'), ...resolve(args, context)]),
      env: { ...plainGo, GORENA_GOROOT: goRoot() },
    }),
  };
}

/** A program of peers/js: plain V8 objects, collected by V8. */
export function v8(file, args) {
  return plainNode('v8', `peers/js/${file}`, args, ['--expose-gc', '--max-old-space-size=8000']);
}

/** The least that the job can be in JavaScript: a bare loop that does only that. No competitor. */
export function floor(args) {
  return plainNode('floor', 'peers/js/floor.mjs', args);
}

/** Any other program of ours that runs on node alone. */
export function plainNode(name, file, args, flags = []) {
  return {
    name,
    available: () => null,
    command: (context) => ({ argv: nodeCommand([join(benchDir, file), ...resolve(args, context)], flags) }),
  };
}

/** AssemblyScript's incremental collector, or its minimal runtime that collects where the program says so. */
export function assemblyScript(runtime, args) {
  return {
    name: `as-${runtime}`,
    available: () => assemblyScriptBinary(runtime),
    command: (context) => ({
      argv: nodeCommand([join(benchDir, 'peers/as/run.mjs'), join(buildDir, `heap-${runtime}.wasm`), runtime, ...resolve(args, context)]),
    }),
  };
}

function missingFile(path) {
  return existsSync(path) ? null : `not built yet: ${relative('.', path)} is missing`;
}

/** Arguments are a list, or a function of the context that returns one (sizes differ under --quick). */
function resolve(args, context) {
  return (typeof args === 'function' ? args(context) : args).map(String);
}

const goRoot = once(() => execFileSync('go', ['env', 'GOROOT'], { encoding: 'utf8' }).trim());

const hasGo = once(() => {
  try {
    execFileSync('go', ['version'], { stdio: 'pipe' });
    return null;
  } catch {
    return 'not installed: go';
  }
});

const goBinary = once(() => hasGo() ?? build('go', ['build', '-o', join(buildDir, 'peers-go'), '.'], join(benchDir, 'peers/go')));

const goWasmBinary = once(() => {
  const missing = hasGo();
  if (missing !== null) return missing;
  if (!existsSync(join(goRoot(), 'misc/wasm/wasm_exec.js')))
    return 'not installed: misc/wasm/wasm_exec.js of go; later releases have it elsewhere';
  const env = { GOOS: 'js', GOARCH: 'wasm' };
  return build('go', ['build', '-o', join(buildDir, 'peers-go.wasm'), '.'], join(benchDir, 'peers/go'), env);
});

const assemblyScriptBinaries = new Map();

function assemblyScriptBinary(runtime) {
  if (!assemblyScriptBinaries.has(runtime)) assemblyScriptBinaries.set(runtime, compileAssemblyScript(runtime));
  return assemblyScriptBinaries.get(runtime);
}

function compileAssemblyScript(runtime) {
  let compiler;
  try {
    const manifest = createRequire(import.meta.url).resolve('assemblyscript/package.json');
    compiler = join(dirname(manifest), 'bin/asc.js');
  } catch {
    return 'not installed: assemblyscript; npm install --no-save assemblyscript@0.28';
  }
  // The source is no TypeScript, so it is not called .ts where compilers and linters would find it; asc wants that name.
  mkdirSync(buildDir, { recursive: true });
  const source = join(buildDir, `heap-${runtime}.ts`);
  copyFileSync(join(benchDir, 'peers/as/heap.as'), source);
  const options = ['-O3', '--noAssert', '--converge', '--runtime', runtime, '-o', `heap-${runtime}.wasm`];
  const failure = build(process.execPath, [compiler, basename(source), ...options], buildDir);
  rmSync(source);
  return failure;
}

function build(file, args, cwd, env = {}) {
  mkdirSync(buildDir, { recursive: true });
  try {
    execFileSync(file, args, { cwd, env: { ...process.env, ...env }, stdio: 'pipe' });
    return null;
  } catch (error) {
    const line = String(error.stderr ?? error.message)
      .split('\n')
      .find((text) => text.trim() !== '' && !text.startsWith('#'));
    return `its build failed: ${line?.trim()}`;
  }
}

function once(make) {
  let done = false;
  let value;
  return () => {
    if (!done) value = make();
    done = true;
    return value;
  };
}
