// The Go side of the benchmarks: one binary, native or WebAssembly, with a command for each topic.
//
//	peers trees DEPTH             binary trees                        trees.go
//	peers alloc SIZE COUNT        allocate and drop                   alloc.go
//	peers mark SHAPE COUNT        full collections of a live heap     mark.go
//	peers sched NAME [COUNT]      goroutines, channels, mutexes       sched.go
//	peers prof NAME RATE          the cost of the memory profiler     prof.go
//	peers copy                    64 MB copied and cleared            copy.go
//
// Each result is one line of JSON: {"b": name, "ns": nanoseconds per operation, "n": operations, "ms": …}. When the harness asks
// for it, the process ends with a report of its CPU time and peak memory on descriptor 3 (report.go).
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		usage()
	}
	switch os.Args[1] {
	case "trees":
		trees(number(2, 16))
	case "alloc":
		alloc(number(2, 16), number(3, 0))
	case "mark":
		mark(word(2), number(3, 1000000))
	case "sched":
		sched(word(2), number(3, 0))
	case "prof":
		prof(word(2), number(3, 0))
	case "copy":
		copyAndClear()
	default:
		usage()
	}
	report()
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: peers trees|alloc|mark|sched|prof|copy ...")
	os.Exit(2)
}

// word returns argument i, or "".
func word(i int) string {
	if i < len(os.Args) {
		return os.Args[i]
	}
	return ""
}

// number returns argument i, or the default.
func number(i, otherwise int) int {
	if word(i) == "" {
		return otherwise
	}
	n, err := strconv.Atoi(word(i))
	if err != nil {
		usage()
	}
	return n
}

// emit prints a result: n operations took d. The extra text is further JSON fields.
func emit(name string, d time.Duration, n int, extra string) {
	ns := float64(d.Nanoseconds())
	if extra != "" {
		extra = ", " + extra
	}
	fmt.Printf("{\"b\": %q, \"ns\": %.4f, \"n\": %d, \"ms\": %.3f%s}\n", name, ns/float64(n), n, ns/1e6, extra)
}
