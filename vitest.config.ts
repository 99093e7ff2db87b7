// How the tests run: each test file is bundled by esbuild, the way the product is, and vitest runs the bundle.
//
// Why: vitest translates one file at a time, and so it cannot inline a const enum of another file, nor call an imported
// function without going through the module's object. A loop over memory records ran 25 times slower that way. Bundled,
// the tests run the code that ships, at its speed; the source map keeps file and line in failures.
//
// What follows from it: `vi.mock` of our own modules has no effect (we use test-only hooks instead), and `import.meta.url`
// in a helper is that of the test file; find files from the project's root, which is the working directory of every test.

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { build } from 'esbuild';
import { defineConfig } from 'vitest/config';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

const bundleTests = {
  name: 'bundle-tests',
  enforce: 'pre' as const,
  async load(this: { addWatchFile(file: string): void }, id: string) {
    const file = id.split('?', 1)[0] ?? id;
    if (!file.endsWith('.test.ts')) return null;
    const result = await build({
      entryPoints: [file],
      outdir: dirname(file),
      bundle: true,
      packages: 'external',
      format: 'esm',
      platform: 'node',
      target: 'node20',
      sourcemap: 'external',
      metafile: true,
      write: false,
      logLevel: 'silent', // vitest prints what is thrown
      define: { __GORENA_VERSION__: JSON.stringify(version) },
    });
    for (const input of Object.keys(result.metafile.inputs)) this.addWatchFile(resolve(input));
    const text = (suffix: string) => result.outputFiles.find((out) => out.path.endsWith(suffix))?.text ?? '';
    return { code: text('.js'), map: text('.js.map') };
  },
};

export default defineConfig({
  plugins: [bundleTests],
  test: {
    include: ['tests/**/*.test.ts'],
    // A process for each test file: a test that exhausts memory or spins takes down its own file only.
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
