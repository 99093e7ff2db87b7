;; The marking loop as WebAssembly: the same steps as drainInScript of mgcmark.ts, word for word, which is the reference and says why.
;; `make kernel` assembles it into markkernel.ts. All addresses are bytes; $state is the record MarkState of mgcwork.ts.
(module
  (import "e" "m" (memory 1 32768 shared))
  (import "e" "state" (global $state i32))
  (import "e" "starts" (global $starts i32))
  (import "e" "marks" (global $marks i32))
  (import "e" "info" (global $info i32))
  (import "e" "heapEnd" (global $heapEnd i32))
  (func (export "drain") (param $max i32)
    (local $buffer i32) (local $count i32) (local $empty i32) (local $from i32) (local $end i32)
    (local $bytes i32) (local $objects i32) (local $work i32) (local $scanned i32) (local $odd i32)
    (local $base i32) (local $mask i32) (local $child i32) (local $word i32) (local $bit i32) (local $marks_ i32) (local $n i32)
    (local.set $empty (i32.load offset=4 (global.get $state)))
    (local.set $buffer (i32.load offset=12 (global.get $state)))
    (local.set $count (i32.load offset=16 (global.get $state)))
    (local.set $from (i32.load offset=20 (global.get $state)))
    (local.set $end (i32.load offset=24 (global.get $state)))
    (local.set $odd (i32.load offset=44 (global.get $state)))
    (block $stop
      (loop $next
        (br_if $stop (i32.gt_u (local.get $odd) (i32.const 256)))
        (br_if $stop (i32.eqz (local.get $empty)))
        (if (i32.ne (local.get $from) (local.get $end))
          (then ;; the next words of a long object
            (local.set $n (i32.shr_u (i32.sub (local.get $end) (local.get $from)) (i32.const 2)))
            (if (i32.gt_u (local.get $n) (i32.const 31)) (then (local.set $n (i32.const 31))))
            (local.set $base (local.get $from))
            (local.set $mask (i32.shr_u (i32.const 0x7fffffff) (i32.sub (i32.const 31) (local.get $n))))
            (local.set $from (i32.add (local.get $from) (i32.shl (local.get $n) (i32.const 2)))))
          (else ;; the next grey object
            (br_if $stop (i32.ge_s (local.get $scanned) (local.get $max)))
            (if (i32.eqz (local.get $count))
              (then ;; exchange the empty buffer for a full one
                (local.set $n (i32.load (global.get $state)))
                (br_if $stop (i32.eqz (local.get $n)))
                (i32.store (global.get $state) (i32.load (i32.shl (local.get $n) (i32.const 2))))
                (i32.store offset=8 (global.get $state) (i32.sub (i32.load offset=8 (global.get $state)) (i32.const 1)))
                (i32.store (i32.shl (local.get $buffer) (i32.const 2)) (local.get $empty))
                (local.set $empty (local.get $buffer))
                (local.set $buffer (local.get $n))
                (local.set $count (i32.load offset=4 (i32.shl (local.get $buffer) (i32.const 2))))))
            (local.set $base
              (i32.load offset=4 (i32.shl (i32.add (local.get $buffer) (local.get $count)) (i32.const 2))))
            (local.set $n
              (i32.add (global.get $info) (i32.shl (i32.shr_u (local.get $base) (i32.const 13)) (i32.const 3))))
            (local.set $mask (i32.load (local.get $n)))
            (local.set $n (i32.load offset=4 (local.get $n)))
            (if (i32.le_s (local.get $mask) (i32.const 0))
              (then
                (br_if $stop (i32.ne (local.get $mask) (i32.const -2)))
                (local.set $from (local.get $base))
                (local.set $end (i32.add (local.get $base) (local.get $n)))))
            (local.set $count (i32.sub (local.get $count) (i32.const 1)))
            (local.set $scanned (i32.add (local.get $scanned) (i32.const 1)))
            (local.set $work (i32.add (local.get $work) (local.get $n)))
            (br_if $next (i32.ne (local.get $from) (local.get $end)))))
        (loop $words
          (local.set $child
            (i32.load (i32.add (local.get $base) (i32.shl (i32.ctz (local.get $mask)) (i32.const 2)))))
          (local.set $mask (i32.and (local.get $mask) (i32.sub (local.get $mask) (i32.const 1))))
          (block $done
            (br_if $done (i32.eqz (local.get $child)))
            (block $odd_
              (br_if $odd_ (i32.ge_u (local.get $child) (global.get $heapEnd)))
              (local.set $word (i32.and (i32.shr_u (local.get $child) (i32.const 6)) (i32.const 0x3fffffc)))
              (local.set $bit (i32.shl (i32.const 1) (i32.shr_u (local.get $child) (i32.const 3))))
              (local.set $marks_ (i32.load (i32.add (global.get $marks) (local.get $word))))
              (br_if $done (i32.and (local.get $marks_) (local.get $bit)))
              (br_if $odd_ (i32.and (local.get $child) (i32.const 7)))
              (br_if $odd_
                (i32.eqz (i32.and (i32.load (i32.add (global.get $starts) (local.get $word))) (local.get $bit))))
              (i32.store (i32.add (global.get $marks) (local.get $word)) (i32.or (local.get $marks_) (local.get $bit)))
              (local.set $n
                (i32.add (global.get $info) (i32.shl (i32.shr_u (local.get $child) (i32.const 13)) (i32.const 3))))
              (local.set $bytes (i32.add (local.get $bytes) (i32.load offset=4 (local.get $n))))
              (local.set $objects (i32.add (local.get $objects) (i32.const 1)))
              (br_if $done (i32.eq (i32.load (local.get $n)) (i32.const -1)))
              (if (i32.eq (local.get $count) (i32.const 510))
                (then ;; give the full buffer away, take an empty one
                  (local.set $n (i32.shl (local.get $buffer) (i32.const 2)))
                  (i32.store offset=4 (local.get $n) (i32.const 510))
                  (i32.store (local.get $n) (i32.load (global.get $state)))
                  (i32.store (global.get $state) (local.get $buffer))
                  (i32.store offset=8 (global.get $state) (i32.add (i32.load offset=8 (global.get $state)) (i32.const 1)))
                  (local.set $buffer (local.get $empty))
                  (local.set $empty (i32.load (i32.shl (local.get $buffer) (i32.const 2))))
                  (local.set $count (i32.const 0))))
              (i32.store offset=8
                (i32.shl (i32.add (local.get $buffer) (local.get $count)) (i32.const 2)) (local.get $child))
              (local.set $count (i32.add (local.get $count) (i32.const 1)))
              (br $done))
            ;; no slot begins here: for whoever knows more
            (i32.store offset=48
              (i32.add (global.get $state) (i32.shl (local.get $odd) (i32.const 2))) (local.get $child))
            (local.set $odd (i32.add (local.get $odd) (i32.const 1))))
          (br_if $words (local.get $mask)))
        (br $next)))
    (i32.store offset=4 (global.get $state) (local.get $empty))
    (i32.store offset=12 (global.get $state) (local.get $buffer))
    (i32.store offset=16 (global.get $state) (local.get $count))
    (i32.store offset=20 (global.get $state) (local.get $from))
    (i32.store offset=24 (global.get $state) (local.get $end))
    (i32.store offset=28 (global.get $state) (local.get $bytes))
    (i32.store offset=32 (global.get $state) (local.get $objects))
    (i32.store offset=36 (global.get $state) (local.get $work))
    (i32.store offset=40 (global.get $state) (local.get $scanned))
    (i32.store offset=44 (global.get $state) (local.get $odd))))
