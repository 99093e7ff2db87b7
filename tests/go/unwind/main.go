// Command unwind plays one program of a JSON file, of calls, deferred calls, panics, recover and Goexit, and prints what it logs; then
// it dies or not. ../unwind.test.ts plays the same programs on gorena.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
)

type step struct {
	Op   string
	N    int
	Body []step
}

func play(name int, body []step) {
	for _, s := range body {
		switch s.Op {
		case "panic":
			panic(fmt.Sprint("p", s.N))
		case "recover":
			fmt.Println(s.N, "recover", recover())
		case "repanic":
			if r := recover(); r != nil {
				panic(r)
			}
		case "goexit":
			runtime.Goexit()
		case "call":
			play(s.N, s.Body)
			fmt.Println(s.N, "called")
		case "defer":
			defer play(s.N, s.Body)
		default:
			panic("no such step: " + s.Op)
		}
	}
	fmt.Println(name, "ends")
}

func main() {
	data, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	var programs [][]step
	if err := json.Unmarshal(data, &programs); err != nil {
		panic(err)
	}
	i, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	play(0, programs[i])
}
