// Runs a tool that is written in TypeScript: `node tools/run.mjs mutants --help`. The tool is bundled first, as the product and
// the tests are, because only a bundle has the numbers of const enums in it; the bundle lies in dist/tools.

import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = join(fileURLToPath(import.meta.url), '../..');
const [name, ...args] = process.argv.slice(2);
if (!/^\w+$/.test(name ?? '')) {
  process.stderr.write('usage: node tools/run.mjs mutants|cases|fuzz [--help]\n');
  process.exit(2);
}
const outfile = join(root, 'dist/tools', `${name}.mjs`);
await build({
  absWorkingDir: root,
  entryPoints: [`tools/${name}.ts`],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  logLevel: 'error',
}).catch(() => process.exit(2)); // esbuild has printed file, line and reason
process.argv = [process.argv[0], outfile, ...args];
await import(pathToFileURL(outfile).href);
