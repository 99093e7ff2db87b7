// The floor of every reader of packed logs: unpack a file with node's streams and look at nothing. node gunzip.mjs FILE.gz

import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';

let bytes = 0;
for await (const chunk of createReadStream(process.argv[2]).pipe(createGunzip({ chunkSize: 1 << 16 }))) bytes += chunk.length;
console.log(JSON.stringify({ b: 'gunzip', bytes }));
