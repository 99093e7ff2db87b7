// Assembles each kernel's .wat into the .ts beside it (`make kernel`). The bytes are checked in, so that nobody needs an assembler to
// build or to run; a test assembles again and compares.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import wabt from 'wabt';

/** The kernels, without extension. */
export const kernels = ['gc/markkernel', 'heap/sweepkernel'];

/** The bytes of a kernel's module. */
export async function assemble(kernel) {
  const module = (await wabt()).parseWat(`${kernel}.wat`, readFileSync(`${kernel}.wat`, 'utf8'), { threads: true });
  try {
    return [...module.toBinary({}).buffer];
  } finally {
    module.destroy();
  }
}

function lines(bytes) {
  const out = [];
  for (let i = 0; i < bytes.length; i += 32) out.push(`  ${bytes.slice(i, i + 32).join(', ')},`);
  return out.join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const kernel of kernels) {
    const text = readFileSync(`${kernel}.ts`, 'utf8');
    const begin = text.indexOf('= [') + 3;
    const end = text.indexOf('];', begin);
    writeFileSync(`${kernel}.ts`, `${text.slice(0, begin)}\n${lines(await assemble(kernel))}\n${text.slice(end)}`);
  }
}
