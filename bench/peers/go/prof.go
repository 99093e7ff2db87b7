package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"time"
)

// The cost of Go's memory profiler: the same programs at a given MemProfileRate, and its ways out.

func prof(what string, rate int) {
	runtime.MemProfileRate = rate
	every := rate == 1 // each allocation is profiled: fewer of them are enough
	switch what {
	case "alloc":
		for _, size := range []int{16, 64} {
			n := 40e6 * 16 / size
			if every {
				n /= 40
			}
			alloc(size, n)
		}
	case "trees":
		if every {
			trees(10)
		} else {
			trees(16)
		}
	case "deep":
		for _, frames := range []int{4, 16, 30} {
			n := 3000000
			if every {
				n /= 20
			}
			start := time.Now()
			deep(frames, n)
			emit(fmt.Sprintf("deep-%d", frames), time.Since(start), n, "")
		}
	case "encode":
		encode()
	case "dump":
		dump()
	default:
		usage()
	}
}

// deep allocates n objects of 64 B below that many calls.
//
//go:noinline
func deep(frames, n int) int {
	if frames > 0 {
		return 1 + deep(frames-1, n)
	}
	for i := 0; i < n; i++ {
		last64 = new(object64)
	}
	return 0
}

var kept []*object64

// forkA and forkB call each other along the bits of a number: a different stack for every number.
//
//go:noinline
func forkA(bits, depth int) {
	if depth == 0 {
		kept = append(kept, new(object64))
	} else if bits&1 == 0 {
		forkA(bits>>1, depth-1)
	} else {
		forkB(bits>>1, depth-1)
	}
}

//go:noinline
func forkB(bits, depth int) {
	if depth == 0 {
		kept = append(kept, new(object64))
	} else if bits&1 == 0 {
		forkA(bits>>1, depth-1)
	} else {
		forkB(bits>>1, depth-1)
	}
}

// encode times the three ways out of a profile of 10,000 buckets of 16 frames. One operation is one profile.
func encode() {
	runtime.MemProfileRate = 1
	for repeat := 0; repeat < 3; repeat++ {
		for i := 0; i < 10000; i++ {
			forkA(i, 14)
		}
	}
	runtime.GC()
	runtime.GC()
	for round := 0; round < 5; round++ {
		start := time.Now()
		records := make([]runtime.MemProfileRecord, 20000)
		n, ok := runtime.MemProfile(records, true)
		emit("memprofile", time.Since(start), 1, fmt.Sprintf("\"records\": %d, \"ok\": %v", n, ok))
		for _, form := range []struct {
			name  string
			debug int
		}{{"profile.pb.gz", 0}, {"profile-text", 1}} {
			var out bytes.Buffer
			start = time.Now()
			pprof.Lookup("heap").WriteTo(&out, form.debug)
			emit(form.name, time.Since(start), 1, fmt.Sprintf("\"bytes\": %d", out.Len()))
		}
	}
}

// dump times a heap dump of a million objects. One operation is one object.
func dump() {
	n := build("list", 1000000)
	file, err := os.CreateTemp("", "heapdump")
	if err != nil {
		panic(err)
	}
	defer os.Remove(file.Name())
	start := time.Now()
	debug.WriteHeapDump(file.Fd())
	elapsed := time.Since(start)
	size, _ := file.Seek(0, 2)
	emit("heapdump", elapsed, n, fmt.Sprintf("\"bytes\": %d", size))
}
