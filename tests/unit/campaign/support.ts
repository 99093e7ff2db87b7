// support: a campaign of squares, its worker script as a bundle, and a folder for journals.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll } from 'vitest';
import { type Campaign, type RunOptions, runCampaign } from '../../../campaign/campaign.ts';
import type { Square } from './worker.ts';

/** What a square's task gives. */
export interface Result {
  readonly square: number;
}

/** Squares of 0 … n-1; change: jobs by their number. */
export function squares(n: number, change: Readonly<Record<number, Partial<Square>>> = {}): Campaign<Square> {
  const tasks = Array.from({ length: n }, (_, i) => ({ id: `square ${i}`, job: { n: i, ...change[i] } }));
  return { kind: 'square', version: '1', spec: { n }, tasks };
}

/** A folder and the script, there while a test file runs. */
export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'gorena-campaign-'));
  readonly script = pathToFileURL(join(this.folder, 'worker.mjs'));

  constructor() {
    beforeAll(async () => {
      await build({
        entryPoints: ['tests/unit/campaign/worker.ts'],
        outfile: join(this.folder, 'worker.mjs'),
        bundle: true,
        format: 'esm',
        platform: 'node',
        logLevel: 'warning',
      });
    });
    afterAll(() => rmSync(this.folder, { recursive: true }));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  write(name: string, text: string): void {
    writeFileSync(this.path(name), text);
  }

  /** Runs a campaign, with a journal of that name if there is one. */
  run(campaign: Campaign<Square>, journal: string | null, options: Partial<RunOptions<Square, Result>> = {}) {
    const kept = journal === null ? {} : { journal: this.path(journal) };
    return runCampaign<Square, Result>(campaign, { script: this.script, workers: 2, ...kept, ...options });
  }
}
