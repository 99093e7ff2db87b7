package main

import (
	"runtime"
	"runtime/debug"
	"time"
)

// Full collections of a live heap of n objects, in five shapes:
//
//	list   linked in the order of allocation
//	tree   a full binary tree, built bottom up
//	wide   arrays of 1000 leaves
//	graph  an array of all nodes, each with two random edges
//	rlist  one list through all nodes in random order

type Node struct {
	a, b *Node
	v    int
}

// xorshift is the random source that all peers share.
type xorshift uint32

func (r *xorshift) next() uint32 {
	x := uint32(*r)
	x ^= x << 13
	x ^= x >> 17
	x ^= x << 5
	*r = xorshift(x)
	return x
}

var root interface{}

func mark(shape string, n int) {
	debug.SetGCPercent(-1)
	n = build(shape, n)
	runtime.GC()
	for i := 0; i < 5; i++ {
		timeGC("mark", n)
	}
	root = nil
	timeGC("sweep-all", n)
}

func timeGC(name string, n int) {
	start := time.Now()
	runtime.GC()
	emit(name, time.Since(start), n, "")
}

// build makes the heap, stores its root, and returns how many objects it has.
func build(shape string, n int) int {
	random := xorshift(2463534242)
	switch shape {
	case "list":
		var head *Node
		for i := 0; i < n; i++ {
			head = &Node{a: head, v: i}
		}
		root = head
	case "tree":
		depth := 0
		for (2<<uint(depth))-1 < n {
			depth++
		}
		root = bottomUp(depth)
		n = (2 << uint(depth)) - 1
	case "wide":
		arrays := make([][]*Node, n/1000)
		for i := range arrays {
			arrays[i] = nodes(1000)
		}
		root = arrays
	case "graph":
		all := nodes(n)
		for _, node := range all {
			node.a = all[int(random.next())%n]
			node.b = all[int(random.next())%n]
		}
		root = all
	case "rlist":
		all := nodes(n)
		for i := n - 1; i > 0; i-- {
			j := int(random.next()) % (i + 1)
			all[i], all[j] = all[j], all[i]
		}
		for i := 0; i+1 < n; i++ {
			all[i].a = all[i+1]
		}
		root = all[0]
	default:
		usage()
	}
	return n
}

func nodes(n int) []*Node {
	all := make([]*Node, n)
	for i := range all {
		all[i] = &Node{v: i}
	}
	return all
}
