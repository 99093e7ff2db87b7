package main

import (
	"fmt"
	"runtime"
	"sync"
	"time"
)

// The scheduler's benchmarks. Each takes a count (0: its usual one), and says in its comment what one operation is.

var schedBenchmarks = map[string]struct {
	usual int
	run   func(n int)
}{
	"pingpong":   {5000000, pingpong},
	"buffered":   {10000000, buffered},
	"gosched":    {5000000, func(n int) { goschedRing("gosched", 2, n) }},
	"gosched10k": {300, func(n int) { goschedRing("gosched10k", 10000, n) }},
	"chain":      {200, chain},
	"spawn":      {1000000, spawn},
	"spawnbatch": {1000000, spawnBatch},
	"sieve":      {4000, sieve},
	"select4":    {1000000, select4},
	"mutex":      {50000000, mutexAlone},
	"mutex10":    {100000, mutexContended},
}

func sched(name string, n int) {
	benchmark, ok := schedBenchmarks[name]
	if !ok {
		usage()
	}
	if n == 0 {
		n = benchmark.usual
	}
	benchmark.run(n)
}

// pingpong: two unbuffered channels between two goroutines. One operation is a switch.
func pingpong(n int) {
	start := time.Now()
	a, b := make(chan int), make(chan int)
	go func() {
		for v := range a {
			b <- v + 1
		}
		close(b)
	}()
	sum := 0
	for i := 0; i < n; i++ {
		a <- i
		sum += <-b
	}
	close(a)
	emit("pingpong", time.Since(start), 2*n, fmt.Sprintf("\"sum\": %d", sum))
}

// buffered: producer and consumer over a buffer of 128. One operation is a message.
func buffered(n int) {
	start := time.Now()
	c := make(chan int, 128)
	go func() {
		for i := 0; i < n; i++ {
			c <- i
		}
		close(c)
	}()
	sum := 0
	for v := range c {
		sum += v
	}
	emit("buffered", time.Since(start), n, fmt.Sprintf("\"sum\": %d", sum))
}

// goschedRing: some goroutines that do nothing but yield. One operation is a switch.
func goschedRing(name string, goroutines, n int) {
	start := time.Now()
	var wg sync.WaitGroup
	wg.Add(goroutines)
	for g := 0; g < goroutines; g++ {
		go func() {
			for i := 0; i < n; i++ {
				runtime.Gosched()
			}
			wg.Done()
		}()
	}
	wg.Wait()
	emit(name, time.Since(start), goroutines*n, "")
}

// chain: a value through 10,000 goroutines, each adding one. One operation is a hop; building the chain is not timed.
func chain(n int) {
	const goroutines = 10000
	first := make(chan int)
	in := first
	for g := 0; g < goroutines; g++ {
		out := make(chan int)
		go func(in, out chan int) {
			for v := range in {
				out <- v + 1
			}
			close(out)
		}(in, out)
		in = out
	}
	start := time.Now()
	sum := 0
	for i := 0; i < n; i++ {
		first <- 0
		sum += <-in
	}
	close(first)
	<-in
	emit("chain", time.Since(start), goroutines*n, fmt.Sprintf("\"sum\": %d", sum))
}

// spawn: all goroutines are started before the first of them runs (one P). One operation is a goroutine.
func spawn(n int) {
	start := time.Now()
	var wg sync.WaitGroup
	count := 0
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func() { count++; wg.Done() }()
	}
	wg.Wait()
	emit("spawn", time.Since(start), n, "")
}

// spawnBatch: start 100, wait for them, again. One operation is a goroutine.
func spawnBatch(n int) {
	start := time.Now()
	var wg sync.WaitGroup
	count := 0
	for i := 0; i < n; i += 100 {
		for j := 0; j < 100; j++ {
			wg.Add(1)
			go func() { count++; wg.Done() }()
		}
		wg.Wait()
	}
	emit("spawnbatch", time.Since(start), n, "")
}

// sieve: the prime sieve up to the n-th prime. One operation is the whole sieve.
func sieve(n int) {
	start := time.Now()
	numbers := make(chan int)
	go func(out chan int) {
		for i := 2; ; i++ {
			out <- i
		}
	}(numbers)
	last := 0
	for i := 0; i < n; i++ {
		prime := <-numbers
		last = prime
		next := make(chan int)
		go func(in, out chan int, prime int) {
			for {
				v := <-in
				if v%prime != 0 {
					out <- v
				}
			}
		}(numbers, next, prime)
		numbers = next
	}
	emit("sieve", time.Since(start), 1, fmt.Sprintf("\"last\": %d", last))
}

// select4: one receiver selects over four unbuffered channels. One operation is a message.
func select4(n int) {
	start := time.Now()
	var cs [4]chan int
	for k := range cs {
		cs[k] = make(chan int)
		go func(c chan int) {
			for i := 0; i < n/4; i++ {
				c <- i
			}
		}(cs[k])
	}
	sum := 0
	for i := 0; i < n/4*4; i++ {
		select {
		case v := <-cs[0]:
			sum += v
		case v := <-cs[1]:
			sum += v
		case v := <-cs[2]:
			sum += v
		case v := <-cs[3]:
			sum += v
		}
	}
	emit("select4", time.Since(start), n/4*4, fmt.Sprintf("\"sum\": %d", sum))
}

// mutexAlone: nobody else wants the lock. One operation is Lock and Unlock.
func mutexAlone(n int) {
	start := time.Now()
	var mu sync.Mutex
	count := 0
	for i := 0; i < n; i++ {
		mu.Lock()
		count++
		mu.Unlock()
	}
	emit("mutex", time.Since(start), n, fmt.Sprintf("\"count\": %d", count))
}

// mutexContended: ten goroutines hold the lock across a Gosched. One operation is a critical section.
func mutexContended(n int) {
	start := time.Now()
	var mu sync.Mutex
	var wg sync.WaitGroup
	count := 0
	for g := 0; g < 10; g++ {
		wg.Add(1)
		go func() {
			for i := 0; i < n; i++ {
				mu.Lock()
				count++
				runtime.Gosched()
				mu.Unlock()
			}
			wg.Done()
		}()
	}
	wg.Wait()
	emit("mutex10", time.Since(start), 10*n, fmt.Sprintf("\"count\": %d", count))
}
