// Builds the product into dist/: two bundles by esbuild, then the declarations by tsc.
//
//   runtime/index.ts -> dist/index.js         the library
//   cli/main.ts      -> dist/cli.js           the command, with a shebang and the executable bit
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

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const bundles = [
  { entry: 'runtime/index.ts', out: 'dist/index.js', platform: 'neutral' },
  { entry: 'cli/main.ts', out: 'dist/cli.js', platform: 'node', banner: '#!/usr/bin/env node', executable: true },
];

const missing = bundles.filter(({ entry }) => !existsSync(join(root, entry)));
if (missing.length > 0) {
  process.stderr.write(`build: missing ${missing.map(({ entry }) => entry).join(', ')}\n`);
  process.exit(1);
}

// Start from nothing, so that a file which was renamed away cannot linger in the package.
rmSync(join(root, 'dist'), { recursive: true, force: true });

for (const { entry, out, platform, banner, executable } of bundles) {
  try {
    await build({
      absWorkingDir: root,
      entryPoints: [entry],
      outfile: out,
      bundle: true,
      format: 'esm',
      platform,
      // The library also runs on a page, so it is bundled as neutral; what only Node has stays an import.
      external: ['node:*'],
      target: ['node20', 'es2022'],
      sourcemap: false,
      legalComments: 'none',
      define: { __GORENA_VERSION__: JSON.stringify(version) },
      ...(banner ? { banner: { js: banner } } : {}),
      logLevel: 'warning',
    });
  } catch {
    process.exit(1); // esbuild has printed file, line and reason
  }
  if (executable) chmodSync(join(root, out), 0o755);
}

// The compiler runs as Node runs any script, so that no shell and no PATH is asked for it.
const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
try {
  execFileSync(process.execPath, [join(typescript, 'bin/tsc'), '-p', 'tsconfig.types.json'], { cwd: root, stdio: 'inherit' });
} catch {
  process.exit(1); // tsc has printed file, line and reason
}
