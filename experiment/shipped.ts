// shipped: the experiments that come with gorena, by name. They are files like any other, in experiments/; docs/experiments/ has a page
// for each, with what came out.

import blockbias from '../experiments/block-bias.json' with { type: 'json' };
import bugs from '../experiments/historical-bugs.json' with { type: 'json' };
import rotation from '../experiments/rotation-cost.json' with { type: 'json' };
import sampling from '../experiments/sampling-error.json' with { type: 'json' };
import skew from '../experiments/skew-by-scheme.json' with { type: 'json' };
import staleness from '../experiments/staleness-by-scheme.json' with { type: 'json' };

/** Parsed files, as experimentOf reads them. */
export const shipped: Readonly<Record<string, unknown>> = Object.fromEntries(
  [skew, staleness, bugs, sampling, blockbias, rotation].map((file) => [file.name, file]),
);
