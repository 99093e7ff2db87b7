// Allocate and drop plain objects: node alloc.mjs SIZE COUNT. The same loops as peers/go/alloc.go; an object of 64 B has two references
// and six numbers, 1024 B is an array of 128 zeros.

import { emit } from '../../lib/side.mjs';

class Object16 {
  constructor() {
    this.a = null;
    this.b = null;
  }
}

class Object64 {
  constructor() {
    this.a = null;
    this.b = null;
    this.c = 0;
    this.d = 0;
    this.e = 0;
    this.f = 0;
    this.g = 0;
    this.h = 0;
  }
}

const last = { value: null }; // a store that the compiler cannot drop

const loops = {
  16: (n) => {
    for (let i = 0; i < n; i++) last.value = new Object16();
  },
  64: (n) => {
    for (let i = 0; i < n; i++) last.value = new Object64();
  },
  1024: (n) => {
    for (let i = 0; i < n; i++) last.value = new Array(128).fill(0);
  },
};

const [size, count] = process.argv.slice(2).map(Number);
loops[size](count / 10); // warm up
const start = performance.now();
loops[size](count);
emit('alloc', performance.now() - start, count);
