// Shards: every task is in exactly one, and a cluster's variables say which.
import { describe, expect, test } from 'vitest';
import { mine, parseShard, shardFromEnvironment } from '../../../campaign/shard.ts';

test.each([1, 2, 3, 7])('each of 20 tasks is in exactly one of %i shards', (count) => {
  const owners = Array.from({ length: 20 }, (_, task) =>
    Array.from({ length: count }, (_, i) => i + 1).filter((index) => mine({ index, count }, task)),
  );
  expect(owners.every((o) => o.length === 1)).toBe(true);
});

test('--shard i/n', () => {
  expect(parseShard('2/3')).toEqual({ index: 2, count: 3 });
  for (const text of ['', '2', '0/3', '4/3', '1/0', 'a/b', '1/2/3', '-1/3', '1/99999999', ' 1/2']) {
    expect(() => parseShard(text)).toThrow(`option --shard: got '${text}', wanted i/n with 1 <= i <= n, such as 2/3`);
  }
});

describe("a cluster's variables", () => {
  test('none', () => expect(shardFromEnvironment({ PATH: '/bin' })).toBeNull());

  test.each<[Record<string, string>, number, number]>([
    [{ JOB_COMPLETION_INDEX: '0', JOB_COMPLETIONS: '8' }, 1, 8],
    [{ JOB_COMPLETION_INDEX: '7', JOB_COMPLETIONS: '8' }, 8, 8],
    [{ SLURM_ARRAY_TASK_ID: '0', SLURM_ARRAY_TASK_COUNT: '4', SLURM_ARRAY_TASK_MIN: '0' }, 1, 4],
    [{ SLURM_ARRAY_TASK_ID: '4', SLURM_ARRAY_TASK_COUNT: '4', SLURM_ARRAY_TASK_MIN: '1' }, 4, 4],
    [{ SLURM_ARRAY_TASK_ID: '5', SLURM_ARRAY_TASK_COUNT: '3', SLURM_ARRAY_TASK_MIN: '1', SLURM_ARRAY_TASK_STEP: '2' }, 3, 3],
  ])('%j is %i/%i', (env, index, count) => {
    expect(shardFromEnvironment(env)?.shard).toEqual({ index, count });
  });

  test.each<[Record<string, string>, string]>([
    [{ JOB_COMPLETION_INDEX: '3' }, 'JOB_COMPLETIONS: is not set, wanted a whole number from 1; or give --shard i/n'],
    [{ JOB_COMPLETION_INDEX: 'x', JOB_COMPLETIONS: '8' }, "JOB_COMPLETION_INDEX: got 'x', wanted a whole number from 0"],
    [{ JOB_COMPLETION_INDEX: '8', JOB_COMPLETIONS: '8' }, 'JOB_COMPLETION_INDEX is 8, and JOB_COMPLETIONS is 8: it counts from 0'],
    [{ SLURM_ARRAY_TASK_ID: '2' }, 'SLURM_ARRAY_TASK_COUNT: is not set'],
    [
      { SLURM_ARRAY_TASK_ID: '9', SLURM_ARRAY_TASK_COUNT: '3', SLURM_ARRAY_TASK_MIN: '1' },
      'wanted an array without gaps, such as --array=0-2',
    ],
    [
      { SLURM_ARRAY_TASK_ID: '2', SLURM_ARRAY_TASK_COUNT: '3', SLURM_ARRAY_TASK_MIN: '1', SLURM_ARRAY_TASK_STEP: '2' },
      'SLURM_ARRAY_TASK_ID is 2 of 3 from 1 in steps of 2',
    ],
  ])('%j is refused', (env, message) => {
    expect(() => shardFromEnvironment(env)).toThrow(message);
  });
});
