// Command order plays the programs of a JSON file on one P, and prints what each of them logs: a list of different logs, one
// for each place in the scheduler's rounds (every 61st looks at the global queue first) at which it made a difference to begin. Which
// round it is nobody tells, so that each program is played often, after random numbers of rounds.
// ../order.test.ts plays the same programs on gorena.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strings"
	"sync"
)

// rounds is how many rounds of the scheduler come before the global queue is looked at first.
const rounds = 61

// A program is played so often for each of the rounds, on average; a log that came up less often is one of a busy computer, where
// a goroutine was preempted.
const (
	plays = 20
	often = 4
)

type step struct {
	Op   string
	A, B int
}

type program struct {
	Caps    []int
	Scripts [][]step
}

// world is what the goroutines of one program share.
type world struct {
	program *program
	chans   []chan int
	mutexes [2]sync.Mutex
	rw      sync.RWMutex
	wg      sync.WaitGroup
	pending int
	cond    *sync.Cond
	once    sync.Once
	log     []string
	next    int
}

// start starts the next script that nobody has started.
func (w *world) start() {
	if n := w.next; n < len(w.program.Scripts) {
		w.next++
		go w.run(n)
	}
}

// hands is what one goroutine holds.
type hands struct {
	mutexes [2]bool
	writes  bool
	reads   int
}

func (w *world) run(id int) {
	defer func() {
		if r := recover(); r != nil {
			w.log = append(w.log, fmt.Sprint(id, " panic: ", r))
		}
		w.log = append(w.log, fmt.Sprint(id, " ends"))
	}()
	var held hands
	for k, s := range w.program.Scripts[id] {
		result := w.do(s, id*100+k, &held)
		w.log = append(w.log, fmt.Sprint(id, ".", k, " ", s.Op, " ", result))
	}
}

func (w *world) do(s step, v int, held *hands) (result string) {
	switch s.Op {
	case "send":
		w.chans[s.A] <- v
	case "recv":
		x, ok := <-w.chans[s.A]
		return fmt.Sprint(x, " ", ok)
	case "trySend":
		select {
		case w.chans[s.A] <- v:
			return "yes"
		default:
			return "no"
		}
	case "tryRecv":
		select {
		case x, ok := <-w.chans[s.A]:
			return fmt.Sprint(x, " ", ok)
		default:
			return "no"
		}
	case "close":
		close(w.chans[s.A])
	case "select":
		select {
		case x, ok := <-w.chans[s.A]:
			return fmt.Sprint(x, " ", ok)
		case w.chans[s.B] <- v:
			return "sent"
		}
	case "lock":
		if m := s.A % 2; !held.mutexes[m] {
			w.mutexes[m].Lock()
			held.mutexes[m] = true
		}
	case "tryLock":
		if m := s.A % 2; !held.mutexes[m] {
			held.mutexes[m] = w.mutexes[m].TryLock()
			return fmt.Sprint(held.mutexes[m])
		}
	case "unlock":
		if m := s.A % 2; held.mutexes[m] {
			held.mutexes[m] = false
			w.mutexes[m].Unlock()
		}
	case "rLock":
		if !held.writes {
			w.rw.RLock()
			held.reads++
		}
	case "rUnlock":
		if held.reads > 0 {
			held.reads--
			w.rw.RUnlock()
		}
	case "wLock":
		if !held.writes && held.reads == 0 {
			w.rw.Lock()
			held.writes = true
		}
	case "wUnlock":
		if held.writes {
			held.writes = false
			w.rw.Unlock()
		}
	case "add":
		w.pending++
		w.wg.Add(1)
	case "done":
		if w.pending > 0 {
			w.pending--
			w.wg.Done()
		}
	case "wait":
		w.wg.Wait()
	case "cond":
		if !held.mutexes[0] {
			w.mutexes[0].Lock()
			w.cond.Wait()
			w.mutexes[0].Unlock()
		}
	case "signal":
		w.cond.Signal()
	case "broadcast":
		w.cond.Broadcast()
	case "once":
		w.once.Do(func() { runtime.Gosched(); result = "did" })
	case "gosched":
		runtime.Gosched()
	case "spawn":
		w.start()
	case "goexit":
		runtime.Goexit()
	default:
		panic("no such step: " + s.Op)
	}
	return result
}

// play plays a program and gives its log; what blocks for ever is left where it is.
func play(p *program) string {
	w := &world{program: p}
	w.cond = sync.NewCond(&w.mutexes[0])
	for _, n := range p.Caps {
		w.chans = append(w.chans, make(chan int, n))
	}
	for i := 0; i < 4; i++ {
		w.start()
	}
	quiet := make(chan bool)
	go func() {
		for i := 0; i < 60; i++ {
			runtime.Gosched()
		}
		quiet <- true
	}()
	w.start()
	<-quiet
	log := strings.Join(w.log, "\n")
	w.log = nil
	return log
}

func main() {
	runtime.GOMAXPROCS(1)
	data, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	var programs []program
	if err := json.Unmarshal(data, &programs); err != nil {
		panic(err)
	}
	logs := make([][]string, len(programs))
	for i := range programs {
		seen := map[string]int{}
		random := uint32(1)
		for n := 0; n < plays*rounds; n++ {
			random = random*1664525 + 1013904223
			for k := uint32(0); k < random>>16%rounds; k++ {
				runtime.Gosched()
			}
			seen[play(&programs[i])]++
		}
		for log, n := range seen {
			if n >= often {
				logs[i] = append(logs[i], log)
			}
		}
		sort.Strings(logs[i])
	}
	if err := json.NewEncoder(os.Stdout).Encode(logs); err != nil {
		panic(err)
	}
}
