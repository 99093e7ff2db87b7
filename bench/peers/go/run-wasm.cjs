// Runs a Go program compiled to WebAssembly: node run-wasm.cjs FILE.wasm ARGS…, with Go's root in GORENA_GOROOT.
//
// Go 1.19's own launcher, misc/wasm/wasm_exec_node.js, does not start on node 20: it assigns globalThis.crypto, which is read-only
// there. wasm_exec.js itself works, given what node does not have as globals.
'use strict';

const fs = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

globalThis.fs = fs;
require(join(process.env.GORENA_GOROOT, 'misc/wasm/wasm_exec.js'));

const go = new globalThis.Go();
go.argv = process.argv.slice(2);
go.env = { TMPDIR: tmpdir(), ...process.env };
go.exit = process.exit;

WebAssembly.instantiate(fs.readFileSync(process.argv[2]), go.importObject)
  .then(({ instance }) => {
    process.on('exit', (code) => {
      if (code !== 0 || go.exited) return;
      // Node has nothing left to do and the program has not ended: let Go find its deadlock and say so.
      go._pendingEvent = { id: 0 };
      go._resume();
    });
    return go.run(instance);
  })
  .catch((error) => {
    console.error(error);
    process.exit(1);
  });
