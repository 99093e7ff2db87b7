// shard: which part of a campaign's tasks one process does. Every n-th task, so that parts take about the same time when
// neighbours do. See campaign.ts.
import { CampaignError } from './error.ts';

/** Part `index` (from 1) of `count`. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** Everything. */
export const whole: Shard = { index: 1, count: 1 };

/** `2/3`. */
export function shardText({ index, count }: Shard): string {
  return `${index}/${count}`;
}

/** Whether the task at this place of the list belongs to a shard. */
export function mine({ index, count }: Shard, task: number): boolean {
  return task % count === index - 1;
}

/** More parts than this are a mistake. */
const mostShards = 1_000_000;

/** Reads `i/n`. Throws CampaignError. */
export function parseShard(text: string): Shard {
  const [, i, n] = /^(\d{1,7})\/(\d{1,7})$/.exec(text) ?? [];
  const shard = { index: Number(i), count: Number(n) };
  if (i === undefined || shard.index < 1 || shard.count > mostShards || shard.index > shard.count) {
    throw new CampaignError('usage', `option --shard: got '${text}', wanted i/n with 1 <= i <= n, such as 2/3`);
  }
  return shard;
}

/** A shard that a cluster's scheduler has told this process, and by which variable. */
export interface ToldShard {
  readonly shard: Shard;
  readonly by: string;
}

/**
 * The shard of this member of an array job, from its environment; null when it is in none. Throws CampaignError when the variables
 * contradict each other.
 *
 *   Kubernetes, an Indexed Job   JOB_COMPLETION_INDEX from 0; how many there are is not told, so the manifest sets
 *                                JOB_COMPLETIONS to its .spec.completions
 *   Slurm, sbatch --array=0-7    SLURM_ARRAY_TASK_ID, _COUNT, _MIN and, where the array has a step, _STEP
 */
export function shardFromEnvironment(env: Readonly<Record<string, string | undefined>>): ToldShard | null {
  const wrong = (what: string) => new CampaignError('usage', `${what}; or give --shard i/n (--shard 1/1 does everything)`);
  const number = (name: string, least: number, byDefault?: number): number => {
    const text = env[name];
    if (text === undefined && byDefault !== undefined) return byDefault;
    if (text === undefined || !/^\d{1,9}$/.test(text) || Number(text) < least) {
      throw wrong(
        `environment variable ${name}: ${text === undefined ? 'is not set' : `got '${text}'`}, wanted a whole number from ${least}`,
      );
    }
    return Number(text);
  };
  if (env.JOB_COMPLETION_INDEX !== undefined) {
    const index = number('JOB_COMPLETION_INDEX', 0);
    const count = number('JOB_COMPLETIONS', 1);
    if (index >= count)
      throw wrong(`environment variable JOB_COMPLETION_INDEX is ${index}, and JOB_COMPLETIONS is ${count}: it counts from 0`);
    return { shard: { index: index + 1, count }, by: 'JOB_COMPLETION_INDEX' };
  }
  if (env.SLURM_ARRAY_TASK_ID !== undefined) {
    const id = number('SLURM_ARRAY_TASK_ID', 0);
    const count = number('SLURM_ARRAY_TASK_COUNT', 1);
    const least = number('SLURM_ARRAY_TASK_MIN', 0, 0);
    const step = number('SLURM_ARRAY_TASK_STEP', 1, 1);
    const index = (id - least) / step;
    // an array with gaps (1,5,9) numbers its members in a way that one of them cannot know
    if (!Number.isInteger(index) || index < 0 || index >= count) {
      throw wrong(
        `SLURM_ARRAY_TASK_ID is ${id} of ${count} from ${least} in steps of ${step}: wanted an array without gaps, such as --array=0-${count - 1}`,
      );
    }
    return { shard: { index: index + 1, count }, by: 'SLURM_ARRAY_TASK_ID' };
  }
  return null;
}
