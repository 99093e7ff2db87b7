// Keeps the lock file usable everywhere and free of hosts. Run by `make lock` after a dependency changed.
//
// 1. npm records where each package was downloaded (`resolved`) and where its authors take donations (`funding`). Versions
//    and hashes pin a dependency without either, so both go.
// 2. Native tools come as one optional package a platform. A registry may carry only some of them; npm then leaves the others
//    out of the lock file, and `npm ci` refuses that file everywhere. They are added by name, version and platform, without
//    a hash, which nobody could have computed.

import { readFileSync, writeFileSync } from 'node:fs';

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const packages = lock.packages;

for (const entry of Object.values(packages)) {
  delete entry.resolved;
  delete entry.funding;
}

for (const entry of Object.values(packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const platform = /-(android|darwin|freebsd|linux|win32)-(arm64|x64)(-musl)?$/.exec(name);
    const path = `node_modules/${name}`;
    if (!platform || packages[path]) continue;
    const [, os, cpu, musl] = platform;
    packages[path] = { version, cpu: [cpu], dev: true, ...(musl ? { libc: ['musl'] } : {}), optional: true, os: [os] };
  }
}

const sorted = Object.keys(packages).sort();
lock.packages = Object.fromEntries(sorted.map((path) => [path, packages[path]]));
writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`);
