// Assembles gc/markkernel.wat into gc/markkernel.ts (`make kernel`). The bytes are checked in, so that nobody needs an assembler to
// build or to run; a test assembles again and compares.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import wabt from 'wabt';

const source = 'gc/markkernel.wat';
const target = 'gc/markkernel.ts';

/** The bytes of the module. */
export async function assemble() {
  const module = (await wabt()).parseWat('markkernel.wat', readFileSync(source, 'utf8'), { threads: true });
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
  const text = readFileSync(target, 'utf8');
  const begin = text.indexOf('= [') + 3;
  const end = text.indexOf('];', begin);
  writeFileSync(target, `${text.slice(0, begin)}\n${lines(await assemble())}\n${text.slice(end)}`);
}
