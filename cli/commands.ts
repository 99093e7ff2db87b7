// commands: what there is. One table a command; main.ts dispatches, help is made from it.
import { faulty } from '../examples/faulty.ts';
import { programs } from '../examples/index.ts';
import { sweepPolicies } from '../gc/mgcsweep.ts';
import { profileNames } from '../profiler/profile.ts';
import { bugSchemeNames, schemeNames } from '../profiler/schemes.ts';
import { eras, type GoDebug, godebugKnobs } from '../runtime/index.ts';
import type { CommandSpec, OptionSpec } from './args.ts';
import { campaignOptions } from './campaign.ts';

const seed: OptionSpec = { name: 'seed', value: 'N', help: 'decides every choice; decimal or 0x…', byDefault: 'default 1' };
const scheme: OptionSpec = {
  name: 'scheme',
  value: 'S',
  help: `accounting: ${schemeNames.join(', ')}, or a bug-…`,
  byDefault: 'default three-stage',
};
const schemesHelp = `A scheme may also be an error that Go had, by its issue: ${bugSchemeNames.join(', ')}.`;

const era: OptionSpec = {
  name: 'era',
  value: 'E',
  help: `the age of Go whose rules are followed: ${eras.join(', ')}`,
  byDefault: 'default 1.19',
};

export const replaySpec: CommandSpec = {
  name: 'replay',
  summary: "Replays the log of a real Go program on gorena's heap and shows what each accounting scheme publishes.",
  positionals: ['LOG'],
  options: [
    scheme,
    seed,
    { name: 'compare', value: 'DIR', help: 'compare with the real profiles NAME.jsonl[.gz] in DIR; exit code 1 on a difference' },
  ],
  details: `LOG is what a Go program (up to 1.22) wrote on standard error under GODEBUG=allocfreetrace=1, plain or gzip. Each
tracealloc becomes an object of the simulated heap; before the collection whose sweep freed it in reality it loses its
last root, and at each tracegc() our collector has to find that out by itself. At each mark '# snapshot begin NAME' of the
log the table shows, for every scheme: bytes and objects in use as published, the mark termination (MT) it speaks of, the
truth as of that one, and the difference. naive speaks of no mark termination: it is held against the last one.
${schemesHelp}`,
  example: 'gorena replay trace.log.gz --compare profiles/',
};

const godebugMeaning: Readonly<Record<keyof GoDebug, string>> = {
  gctrace: '1: a line for each collection',
  gcpacertrace: '1: what the pacer planned, and what came of it',
  gccheckmark: '1: an independent marking at each mark termination',
  gcstoptheworld: '1: marking is one pause; 2: so is the sweep',
  clobberfree: '1: freed objects are overwritten with 0xdeadbeef',
  sbrk: '1: nothing is freed or used again',
  allocfreetrace: '1: a stack for each allocation, each free and each collection: for gorena replay',
  scavtrace: '1: what was given back to the system, when a sweep is complete',
  inittrace: "1: a line for each package's initialization",
  schedtrace: 'N: a line about the scheduler every N ms of virtual time',
  scheddetail: '1: with every P, M and G',
  tracebackancestors: 'N: a dump shows N of the goroutines that each comes from',
  checkheap: '1: every invariant of the heap at each phase change (ours)',
  gceverymalloc: '1: a whole collection before every malloc: slow (ours)',
};
const godebugHelp = godebugKnobs.map((name) => `  ${name.padEnd(18)} ${godebugMeaning[name]}`).join('\n');

/** Options of a machine, the same for each command that runs a program. */
const machine: readonly OptionSpec[] = [
  { name: 'procs', value: 'N', help: 'GOMAXPROCS, 1 to 256', byDefault: 'default 1' },
  { name: 'gogc', value: 'N|off', help: 'GOGC in percent', byDefault: 'default 100' },
  { name: 'memory-limit', value: 'N|off', help: 'GOMEMLIMIT in bytes, or with B, KiB, MiB, GiB', byDefault: 'default off' },
  era,
  { name: 'sweep', value: 'S', help: `when garbage is swept: ${sweepPolicies.join(', ')}`, byDefault: 'default go' },
];

const godebug: OptionSpec = {
  name: 'godebug',
  value: 'KNOBS',
  help: "what the runtime says and does, such as 'gctrace=1'; lines go to stderr",
};

const programsHelp = Object.entries(programs)
  .map(([name, { summary }]) => `  ${name.padEnd(12)} ${summary}`)
  .join('\n');

export const runSpec: CommandSpec = {
  name: 'run',
  summary: 'Runs a built-in program and compares the published memory profile with the truth.',
  positionals: ['NAME'],
  options: [
    ...machine,
    { name: 'memprofilerate', value: 'N', help: 'sample one malloc per N bytes; 1: all, 0: none', byDefault: 'default 1' },
    godebug,
    scheme,
    seed,
  ],
  details: `NAME is one of:
${programsHelp}
The profile is compared bucket by bucket with an independent record of the live set at each mark termination (MT): when the
program is done, and once more after runtime.GC(). three-stage and cycle must agree in all buckets: exit code 1 when they do
not. naive, two-stage and seed are known to be off, each in its own way.
${schemesHelp}

KNOBS are name=value, with commas between them:
${godebugHelp}`,
  example: 'gorena run churn --procs 2 --seed 7 --scheme naive',
};

/** Where the commands that look at one moment look. */
const moment: readonly OptionSpec[] = [
  { name: 'at', value: 'T', help: 'when: virtual time such as 5ms, or the name of a snapshot of the log', byDefault: 'default the end' },
  { name: 'gc', help: 'a collection first, which brings the profile up to date (programs only)' },
];

const sourceHelp = `SOURCE is one of
${programsHelp}
or the log of a real Go program, as gorena replay takes it; a log has no options but --at, --scheme and --seed.
${schemesHelp}`;

/** Formats of `gorena heap`, and what opens them. */
export const heapFormats = { heapsnapshot: "the Memory panel of Chrome's DevTools", text: 'any editor' } as const;

export const heapSpec: CommandSpec = {
  name: 'heap',
  summary: "Writes the heap of a built-in program or of a replayed log: for Chrome's DevTools, or as a table.",
  positionals: ['SOURCE'],
  options: [
    { name: 'output', short: 'o', value: 'FILE', help: 'where the heap goes; - for stdout', byDefault: 'default -' },
    { name: 'format', value: 'F', help: Object.keys(heapFormats).join(', '), byDefault: 'default text on stdout, else heapsnapshot' },
    ...moment,
    ...machine,
    { name: 'memprofilerate', value: 'N', help: 'which objects have stacks: one malloc per N bytes', byDefault: 'default 1: all' },
    godebug,
    scheme,
    seed,
  ],
  details: `${sourceHelp}

A heapsnapshot has every object of the heap, also the dead ones that are not swept yet: their type says so, and DevTools shows no
distance for them. Types are constructors, fields are properties, roots are called by goroutine, function and slot, and
sampled objects have the stack of their allocation. text counts objects by type and draws the pages.`,
  example: 'gorena heap churn --at 5ms -o churn.heapsnapshot',
};

/** Formats of `gorena trace`: what opens them, and the ending of file names that means them. */
export const traceFormats = {
  go: { reader: 'go tool trace', ending: '' },
  chrome: { reader: 'ui.perfetto.dev or chrome://tracing', ending: '.json' },
  events: { reader: 'jq, or readEventLog of the library', ending: '.jsonl' },
} as const;

export const traceSpec: CommandSpec = {
  name: 'trace',
  summary: 'Writes what a built-in program or a replayed log did: for `go tool trace`, for a browser, or as lines of JSON.',
  positionals: ['SOURCE'],
  options: [
    { name: 'output', short: 'o', value: 'FILE', help: 'where the trace goes; - for stdout. Needed' },
    { name: 'format', value: 'F', help: Object.keys(traceFormats).join(', '), byDefault: "default by FILE's ending, else go" },
    ...machine,
    godebug,
    seed,
  ],
  details: `SOURCE is one of
${programsHelp}
or the log of a real Go program, as gorena replay takes it, of which there are events alone.

go has every goroutine from its making to its end, every P, the mark workers, the phases and stops of a collection, and the size of
the heap; its times are virtual. \`go tool trace FILE\` of Go 1.19 opens it, and with -d prints it as text. chrome is JSON with a
track for each P, M and goroutine, for ui.perfetto.dev, speedscope or chrome://tracing. events is a line of JSON for each event of
the machine, each malloc, free and choice included: much. The same options and seed give the same bytes.

KNOBS of --godebug: gorena run --help.`,
  example: 'gorena trace churn --procs 2 --seed 7 -o churn.trace',
};

export const profileFormats = {
  'pb.gz': { reader: 'go tool pprof', endings: ['.pb.gz', '.gz'] },
  pb: { reader: 'go tool pprof', endings: ['.pb'] },
  text: { reader: 'any editor', endings: ['.txt'] },
  folded: { reader: 'flamegraph.pl, inferno or speedscope', endings: ['.folded'] },
  speedscope: { reader: 'https://www.speedscope.app', endings: ['.speedscope.json', '.json'] },
} as const;

export const profileSpec: CommandSpec = {
  name: 'profile',
  summary: 'Writes a profile of a built-in program or of a replayed log: for `go tool pprof`, flame graphs, or to read.',
  positionals: ['SOURCE'],
  options: [
    { name: 'output', short: 'o', value: 'FILE', help: 'where the profile goes; - for stdout', byDefault: 'default -' },
    { name: 'type', value: 'P', help: `which profile: ${profileNames.join(', ')}`, byDefault: 'default heap' },
    {
      name: 'format',
      value: 'F',
      help: `${Object.keys(profileFormats).join(', ')}`,
      byDefault: "default by FILE's ending, else text",
    },
    ...moment,
    { name: 'blockprofilerate', value: 'N', help: 'one event per N ns of waiting; 0: none', byDefault: 'default 1 for block' },
    { name: 'mutexprofilefraction', value: 'N', help: 'one of N waits for locks; 0: none', byDefault: 'default 1 for mutex' },
    { name: 'sample-index', value: 'S', help: 'the figure to show, such as alloc_space', byDefault: "default the profile's own" },
    { name: 'negatives', value: 'N', help: 'figures below zero in flame graphs: clamp, split', byDefault: 'default clamp' },
    ...machine,
    { name: 'memprofilerate', value: 'N', help: 'sample one malloc per N bytes; 1: all, 0: none', byDefault: 'default 1' },
    godebug,
    scheme,
    seed,
  ],
  details: `${sourceHelp}

pb.gz and pb are profile.proto, text is what Go prints with debug=1, folded has one figure and is for flamegraph.pl and its like,
speedscope has all of them. The schemes seed and two-stage publish figures below zero: pb and text keep them; in a flame graph
they are left out with a word on stderr, or with --negatives split drawn apart. The same options and seed give the same bytes.`,
  example: 'gorena profile churn --scheme naive -o churn.pb.gz && go tool pprof -top churn.pb.gz',
};

export const experimentSpec: CommandSpec = {
  name: 'experiment',
  summary: 'Sweeps schemes, programs, rates, Ps, sweep policies and seeds on all cores and measures what comes out.',
  positionals: ['FILE|NAME'],
  options: [
    { name: 'list', help: 'list the experiments that come with gorena', alone: true },
    ...campaignOptions,
    { name: 'clock', help: "measure the host's time as well: columns that differ from run to run" },
  ],
  details: `FILE is JSON with the axes of the sweep and what to measure: docs/experiments.md. NAME is one of those that --list names.
A summary goes to stdout. With -o the folder gets NAME.csv, NAME.jsonl and NAME.html, and a journal with every run
that is done: stop it with Ctrl-C, or kill it, and the same command goes on where it was. The same file gives the same
numbers, whatever the number of workers, shards and stops.

On a cluster each member of an array job does a part: --shard 2/8, or by itself from SLURM_ARRAY_TASK_ID, or from
JOB_COMPLETION_INDEX with JOB_COMPLETIONS set to the number of completions. gorena merge joins the parts.`,
  example: 'gorena experiment skew-by-scheme -o results',
};

export const mergeSpec: CommandSpec = {
  name: 'merge',
  summary: 'Joins the parts of a campaign that ran as several shards, and makes the results of the whole.',
  positionals: ['PART…'],
  options: [{ name: 'output', short: 'o', value: 'DIR', help: 'folder for the results of an experiment' }],
  details: `PART is a journal (NAME.I-of-N.journal.jsonl) that a shard has written. All shards must be there and be done. The results are
byte for byte those of one run that was not divided.`,
  example: 'gorena merge parts/*.journal.jsonl -o results',
};

const faultyHelp = Object.entries(faulty)
  .map(([name, { summary }]) => `  ${name.padEnd(9)} ${summary}`)
  .join('\n');

const exportOption: OptionSpec = {
  name: 'export',
  value: 'NAME',
  help: 'export of FILE',
  byDefault: 'default: default, main, or the only one',
};
const traceOptions: readonly OptionSpec[] = [
  { name: 'trace', value: 'FILE', help: 'execution trace of the failing schedule, for go tool trace' },
  { name: 'chrome-trace', value: 'FILE', help: "the same as Chrome's trace JSON" },
];

export const exploreSpec: CommandSpec = {
  name: 'explore',
  summary: 'Runs a program under many schedules, on all cores, and tells the first one that goes wrong.',
  positionals: ['FILE|NAME'],
  options: [
    exportOption,
    { name: 'schedules', value: 'N', help: 'schedules at most', byDefault: 'default 10000' },
    { name: 'strategy', value: 'S', help: 'portfolio, fair, random, pct, pos, surw or exhaustive', byDefault: 'default portfolio' },
    { name: 'depth', value: 'N', help: 'of pct', byDefault: 'default 3' },
    { name: 'preemptions', value: 'N', help: 'bound of exhaustive', byDefault: 'default none' },
    { name: 'time', value: 'T', help: 'when timers fire: chaos, idle, or at most so much early, such as 10ms', byDefault: 'default chaos' },
    { name: 'faults', value: 'LIST', help: 'what else may go wrong: kinds, each with its highest rate' },
    { name: 'max-steps', value: 'N', help: 'steps of a schedule', byDefault: 'default 10000' },
    { name: 'no-leaks', help: 'a goroutine that main leaves blocked is no failure' },
    { name: 'no-shrink', help: 'the failing schedule is told as it was found' },
    { name: 'keep-going', help: 'goes on after the first failure, and counts them' },
    seed,
    ...campaignOptions,
    ...traceOptions,
  ],
  details: `FILE is a module (.mjs, .js; .ts and .mts where esbuild is installed or Node is 22.18 or later) that exports a goroutine
function: function* (go) { … }. What it imports from 'gorena' is this gorena. NAME is one of:
${faultyHelp}

LIST is some of drop=0.1,duplicate=0.1,reorder=0.1,crash=0.05,alloc=0.01,clock=0.1@5ms: messages that are lost, sent twice or later,
groups of goroutines that are gone and start again, allocations that fail, a clock that jumps (docs/testing.md).

Exit code 1 and a report when a schedule fails: docs/testing.md. The schedules are the same whatever the number of
workers, shards and stops. With -o a journal is kept: stop it with Ctrl-C, and the same command goes on where it was. On a
cluster each member of an array job does a part (gorena experiment --help); gorena merge joins them.`,
  example: 'gorena explore shop.mjs --export main --schedules 1000000 -o found',
};

export const replayScheduleSpec: CommandSpec = {
  name: 'replay-schedule',
  summary: 'Runs a program under the one schedule that a report ended with.',
  positionals: ['STRING', 'FILE|NAME'],
  options: [
    exportOption,
    { name: 'step', value: 'N', help: 'stops before this step of the report and shows goroutines, heap and clocks' },
    ...traceOptions,
  ],
  details: `STRING is what stands behind \`replay:\` (g1:…). The program may have changed: goroutines that the schedule does not know,
and whatever is no operation, are put up with; the first other difference is told. Exit code 1 when it fails again, or when
the program does something else than the schedule; 0 when it holds.`,
  example: 'gorena replay-schedule g1:… shop.mjs --step 12',
};

export const commands: readonly CommandSpec[] = [
  ...[replaySpec, runSpec, profileSpec, heapSpec, traceSpec, experimentSpec],
  ...[exploreSpec, replayScheduleSpec, mergeSpec],
];

/** How the command ends. */
export const exitCodes: Readonly<Record<number, string>> = {
  0: 'well',
  1: 'a failed expectation: a profile that differs, a schedule that fails',
  2: 'usage: a wrong option or argument',
  3: 'the program died: a panic, a deadlock, out of memory',
  4: 'a file that cannot be read or written, is no log, or contradicts itself',
  70: 'a bug of gorena',
  130: 'interrupted (SIGINT, Ctrl-C); what a campaign has done is in its journal',
  143: 'terminated (SIGTERM); the same',
};
