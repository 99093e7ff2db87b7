;; Step 4 of sweeping a span (msweep.ts) as WebAssembly: exchangeInScript there is the reference and says why.
;; `make kernel` assembles it into sweepkernel.ts. Bit maps are bytes here: 128 a page.
(module
  (import "e" "m" (memory 1 32768 shared))
  (import "e" "allocs" (global $allocs i32))
  (import "e" "marks" (global $marks i32))
  ;; $first, $end: words of the bit maps; $cursor: the word before which every slot is allocated; $below: its allocated granules.
  ;; Returns the number of marks; -1, and nothing is changed, when a free slot is marked.
  (func (export "exchange") (param $first i32) (param $end i32) (param $cursor i32) (param $below i32) (result i32)
    (local $i i32) (local $last i32) (local $alloc i32) (local $live i64) (local $marked i64)
    (local.set $last (i32.shl (local.get $end) (i32.const 2)))
    (local.set $i (i32.shl (local.get $cursor) (i32.const 2)))
    (block $checked
      (loop $check
        (br_if $checked (i32.ge_u (local.get $i) (local.get $last)))
        (local.set $alloc (i32.or (local.get $below) (i32.load (i32.add (global.get $allocs) (local.get $i)))))
        (if (i32.and (i32.load (i32.add (global.get $marks) (local.get $i))) (i32.xor (local.get $alloc) (i32.const -1)))
          (then (return (i32.const -1))))
        (local.set $below (i32.const 0))
        (local.set $i (i32.add (local.get $i) (i32.const 4)))
        (br $check)))
    (local.set $i (i32.shl (local.get $first) (i32.const 2)))
    (loop $words
      (local.set $marked (i64.load (i32.add (global.get $marks) (local.get $i))))
      (i64.store (i32.add (global.get $marks) (local.get $i)) (i64.const 0))
      (i64.store (i32.add (global.get $allocs) (local.get $i)) (local.get $marked))
      (local.set $live (i64.add (local.get $live) (i64.popcnt (local.get $marked))))
      (local.set $i (i32.add (local.get $i) (i32.const 8)))
      (br_if $words (i32.lt_u (local.get $i) (local.get $last))))
    (i32.wrap_i64 (local.get $live))))
