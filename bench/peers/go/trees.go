package main

import (
	"fmt"
	"runtime"
	"time"
)

// Binary trees, the shape of the benchmarks game: one long-lived tree, and many short-lived ones of every second depth.

type Tree struct{ left, right *Tree }

func bottomUp(depth int) *Tree {
	if depth == 0 {
		return &Tree{}
	}
	return &Tree{bottomUp(depth - 1), bottomUp(depth - 1)}
}

func (t *Tree) check() int {
	if t.left == nil {
		return 1
	}
	return 1 + t.left.check() + t.right.check()
}

func trees(maxDepth int) {
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	nodes := bottomUp(maxDepth + 1).check()
	long := bottomUp(maxDepth)
	for depth := 4; depth <= maxDepth; depth += 2 {
		iterations := 1 << uint(maxDepth-depth+4)
		for i := 0; i < iterations; i++ {
			nodes += bottomUp(depth).check()
		}
	}
	nodes += long.check()
	emit("trees", time.Since(start), nodes, gcFields(&before))
}

// gcFields says what the collector did since the statistics were taken.
func gcFields(before *runtime.MemStats) string {
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	return fmt.Sprintf("\"gcs\": %d, \"pauseUs\": %d, \"sysBytes\": %d",
		now.NumGC-before.NumGC, (now.PauseTotalNs-before.PauseTotalNs)/1000, now.Sys)
}
