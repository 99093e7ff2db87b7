// Options of the two commands, run.mjs and compare.mjs, and how they end on a mistake: one line, exit 2.

import { parseArgs } from 'node:util';

/** Parses `--rounds N --quick --list --help` and the words. Rounds: 5, or 3 with --quick. */
export function parseOptions(help) {
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: { rounds: { type: 'string' }, quick: { type: 'boolean' }, list: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
  } catch (error) {
    return usage(error.message.split('\n')[0]);
  }
  const { values, positionals } = parsed;
  if (values.help) {
    console.log(help);
    process.exit(0);
  }
  const quick = values.quick === true;
  if (values.rounds !== undefined && !/^[1-9]\d{0,3}$/.test(values.rounds))
    return usage(`--rounds: got ${values.rounds}, wanted a number from 1 to 9999`);
  return { rounds: Number(values.rounds ?? (quick ? 3 : 5)), quick, list: values.list === true, words: positionals };
}

/** The caller's mistake, in one line. */
export function usage(message) {
  console.error(`bench: ${message}`);
  process.exit(2);
}
