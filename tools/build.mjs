// Builds the product into dist/: bundles by esbuild, then the declarations by tsc.
//
//   runtime/index.ts -> dist/index.js         the library
//   sim/index.ts     -> dist/sim.js           exploring schedules, gorena/sim; what both need is in dist/chunk-*.js, so that
//                                             a channel made by one is a channel for the other
//   testing/vitest.ts -> dist/vitest.js       exploring in tests, gorena/vitest; vitest and fast-check stay imports
//   cli/main.ts      -> dist/cli.js           the command, with a shebang and the executable bit: command.mjs
//                       dist/types/**.d.ts    what `exports` in package.json points at
//
// A bundle, not a file by file translation: only across a whole bundle does esbuild replace `const enum` members by their
// numbers. Names are kept (no minifying), because stack traces and profiles of the runtime itself are read by people.
// `__GORENA_VERSION__` in the sources is the version in package.json.

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildCommand } from './command.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const entries = { index: 'runtime/index.ts', sim: 'sim/index.ts', 'sim-worker': 'sim/worker.ts', vitest: 'testing/vitest.ts' };

const missing = [...Object.values(entries), 'cli/main.ts'].filter((entry) => !existsSync(join(root, entry)));
if (missing.length > 0) {
  process.stderr.write(`build: missing ${missing.join(', ')}\n`);
  process.exit(1);
}

// Start from nothing, so that a file which was renamed away cannot linger in the package.
rmSync(join(root, 'dist'), { recursive: true, force: true });

const command = join(root, 'dist', 'cli.js');
try {
  await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: 'dist',
    bundle: true,
    splitting: true,
    format: 'esm',
    // The library also runs on a page, so it is bundled as neutral; what only Node has stays an import.
    platform: 'neutral',
    external: ['node:*', 'vitest', 'fast-check'],
    target: ['node20', 'es2022'],
    sourcemap: false,
    legalComments: 'none',
    define: { __GORENA_VERSION__: JSON.stringify(version) },
    logLevel: 'warning',
  });
  await buildCommand({ root, outfile: command, version, banner: '#!/usr/bin/env node' });
} catch (error) {
  if (error.errors === undefined) throw error;
  process.exit(1); // esbuild has printed file, line and reason
}
chmodSync(command, 0o755);

// The compiler runs as Node runs any script, so that no shell and no PATH is asked for it.
const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
try {
  execFileSync(process.execPath, [join(typescript, 'bin/tsc'), '-p', 'tsconfig.types.json'], { cwd: root, stdio: 'inherit' });
} catch {
  process.exit(1); // tsc has printed file, line and reason
}
