package main

import "time"

// copyAndClear copies and clears 64 MB: what memory bandwidth allows a snapshot of a heap.
func copyAndClear() {
	n := 64 << 20
	from := make([]byte, n)
	to := make([]byte, n)
	for i := range from {
		from[i] = byte(i)
		to[i] = 1
	}
	for round := 0; round < 5; round++ {
		start := time.Now()
		copy(to, from)
		emit("copy", time.Since(start), n, "")
		start = time.Now()
		for i := range to {
			to[i] = 0
		}
		emit("clear", time.Since(start), n, "")
	}
}
