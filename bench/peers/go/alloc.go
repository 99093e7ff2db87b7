package main

import (
	"runtime"
	"time"
)

// Allocate and drop: every object is garbage as soon as the next one exists.

type object16 struct{ a, b *int }

type object64 struct {
	a, b    *int
	payload [6]int
}

type object1024 struct{ payload [1024]byte }

// Globals, so that every object is allocated on the heap.
var (
	last16   *object16
	last64   *object64
	last1024 *object1024
)

func allocLoop(size, n int) {
	switch size {
	case 16:
		for i := 0; i < n; i++ {
			last16 = new(object16)
		}
	case 64:
		for i := 0; i < n; i++ {
			last64 = new(object64)
		}
	case 1024:
		for i := 0; i < n; i++ {
			last1024 = new(object1024)
		}
	default:
		usage()
	}
}

func alloc(size, n int) {
	if n == 0 {
		n = map[int]int{16: 40e6, 64: 20e6, 1024: 2e6}[size]
	}
	allocLoop(size, n/10) // warm up
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	allocLoop(size, n)
	emit("alloc", time.Since(start), n, gcFields(&before))
}
