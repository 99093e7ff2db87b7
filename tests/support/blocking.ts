// A model of channels: random programs of senders and receivers, and what must come out of them. tests/model runs them, and
// tests/stories shows that they notice what is broken on purpose.
import fc from 'fast-check';
import { expect } from 'vitest';
import { type Chan, type Go, type GoFunc, host, i32, type Options, RandomChooser, Runtime, self, struct } from '../../runtime/index.ts';
import type { Machine } from '../../runtime/machine.ts';
import { waitFindings } from '../../sched/check.ts';
import { checkedOptions } from './run.ts';

const Value = struct('blocking.Value', { id: i32, next: self });

/** Runs main under a random schedule of the seed; 0: the fair one. tamper breaks the machine first. */
export function play(main: GoFunc<[]>, seed: number, options: Options = {}, tamper?: (m: Machine) => void): Runtime {
  const chooser = seed === 0 ? undefined : new RandomChooser(seed);
  const rt = new Runtime({ ...checkedOptions, seed, procs: 1 + (seed % 3), ...(chooser && { chooser }), ...options });
  tamper?.(rt.machine);
  rt.run(main);
  return rt;
}

/** Seeds of schedules. */
export const schedule = fc.nat(1000);

// --- channels and selects --------------------------------------------------------------------------------------------------

export interface ChannelProgram {
  readonly kind: 'pointers' | 'numbers' | 'hosts';
  readonly capacities: readonly number[];
  /** For each sender: the channels that it sends on, in turn. */
  readonly senders: readonly (readonly { on: number; select: boolean; gc: boolean }[])[];
  /** Receivers that select over all channels; each channel has one of its own besides, so that nothing waits for ever. */
  readonly selecting: number;
}

export const channelProgram: fc.Arbitrary<ChannelProgram> = fc.record({
  kind: fc.constantFrom('pointers', 'numbers', 'hosts'),
  capacities: fc.array(fc.nat(3), { minLength: 1, maxLength: 3 }),
  senders: fc.array(fc.array(fc.record({ on: fc.nat(2), select: fc.boolean(), gc: fc.boolean() }), { minLength: 1, maxLength: 12 }), {
    minLength: 1,
    maxLength: 4,
  }),
  selecting: fc.nat(3),
});

/** What receivers got: by channel, in the order in which each receiver got it. */
interface Got {
  readonly receiver: number;
  readonly on: number;
  readonly sender: number;
  readonly nth: number;
}

/** Sends and receives everything that the program says, and checks the channels' invariants at every step. */
export function playChannels(p: ChannelProgram, seed: number, era: '2014' | '1.19', tamper?: (m: Machine) => void): void {
  const sent: Got[] = [];
  const got: Got[] = [];
  play(
    function* main(go) {
      const elem = { pointers: Value, numbers: i32, hosts: host<number>() }[p.kind];
      const channels = p.capacities.map((n) => go.chan(elem as typeof i32, n) as Chan<unknown>);
      const look = () => expect(waitFindings(go.runtime.machine.sched).join('; ')).toBe('');
      const unwrap = (v: unknown): number => (p.kind === 'pointers' ? (v as { id: number }).id : (v as number));
      const [sending, receiving] = [go.waitGroup(), go.waitGroup()];
      sending.add(p.senders.length);
      receiving.add(channels.length + p.selecting);
      p.senders.forEach((steps, s) => {
        go.go(function* sender(go: Go) {
          const f = go.locals({ v: Value });
          for (const [nth, { on, select, gc }] of steps.entries()) {
            if (gc) yield* go.gc();
            const n = s * 1000 + nth + 1;
            let at = on % channels.length;
            if (p.kind === 'pointers') {
              f.v = go.new(Value);
              f.v.id = n;
            }
            const value = p.kind === 'pointers' ? f.v : n;
            if (select) at = (yield* go.select(channels.map((c) => c.sendCase(value)))).index;
            else yield* channels[at]!.send(value);
            f.v = null;
            sent.push({ receiver: 0, on: at, sender: s, nth });
            look();
          }
          sending.done();
        });
      });
      function* receives(go: Go, receiver: number) {
        const mine = receiver < channels.length ? [receiver] : channels.map((_, k) => k);
        for (let open = mine; open.length > 0; ) {
          const r =
            mine.length > 1
              ? yield* go.select(channels.map((c, k) => (open.includes(k) ? c.recvCase() : null)))
              : { index: mine[0]!, ...(yield* receiveOne(channels[mine[0]!]!)) };
          if (!r.ok) open = open.filter((k) => k !== r.index);
          else {
            const n = unwrap(r.value);
            got.push({ receiver, on: r.index, sender: Math.floor(n / 1000), nth: (n % 1000) - 1 });
          }
          look();
        }
        receiving.done();
      }
      for (let k = 0; k < channels.length + p.selecting; k++) go.go(receives, k);
      yield* sending.wait();
      for (const c of channels) c.close();
      yield* receiving.wait();
    },
    seed,
    { era, heapBytes: 2 << 20 },
    tamper,
  );
  const key = ({ on, sender, nth }: Got) => `${on}/${sender}/${nth}`;
  expect(got.map(key).sort(), 'each value arrives once, where it was sent').toEqual(sent.map(key).sort());
  if (era === '2014') return; // who is woken for nothing goes to the end of the queue
  // One receiver sees the values that one sender sent on one channel in the order of sending.
  for (const a of got.keys()) {
    const first = got[a]!;
    for (const later of got.slice(a + 1)) {
      if (later.receiver === first.receiver && later.on === first.on && later.sender === first.sender) {
        expect(later.nth, `values of sender ${first.sender} on channel ${first.on}`).toBeGreaterThan(first.nth);
      }
    }
  }
}

function* receiveOne(c: Chan<unknown>) {
  const [value, ok] = yield* c.recv2();
  return { value, ok };
}
