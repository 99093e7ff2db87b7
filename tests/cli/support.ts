// The command as a user has it: bundled the way tools/build.mjs does, run as a process of its own, and judged by what it
// leaves behind: exit code, stdout, stderr.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { SchemeReport } from '../../runtime/skew.ts';

/** The logs of real Go programs. */
export const traces = 'tests/fixtures/go-traces';

/** What one run of the command left behind. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run it. */
export interface How {
  /** Added to a plain environment: no colours, no forced colours. */
  readonly env?: Readonly<Record<string, string>>;
  /** Closes our end of its stdout before it has written anything, as `| head` may. */
  readonly closeStdout?: boolean;
}

/** The built command and a folder for the files of one test file. Call remove() at the end. */
export class Command {
  readonly folder = mkdtempSync(join(tmpdir(), 'gorena-cli-'));
  /** The bundle, for who wants to start it in another way. */
  readonly path = join(this.folder, 'cli.mjs');

  /** Bundles cli/main.ts as tools/build.mjs does. */
  static async build(): Promise<Command> {
    const command = new Command();
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    const { buildCommand } = (await import(pathToFileURL(resolve('tools/command.mjs')).href)) as {
      buildCommand(how: { root: string; outfile: string; version: string }): Promise<void>;
    };
    await buildCommand({ root: resolve('.'), outfile: command.path, version });
    return command;
  }

  /** Runs `gorena WORDS`. */
  run(words: readonly string[], how: How = {}): Promise<Ran> {
    const { NO_COLOR: _, FORCE_COLOR: __, ...env } = process.env;
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [this.path, ...words], { env: { ...env, ...how.env }, stdio: ['ignore', 'pipe', 'pipe'] });
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text;
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      if (how.closeStdout === true) child.stdout.destroy();
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, stdout, stderr }));
    });
  }

  /** Writes a file into the folder; gives its path. */
  write(name: string, data: string | Uint8Array): string {
    const path = join(this.folder, name);
    writeFileSync(path, data);
    return path;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** One row of the schemes' table in JSON. */
export type SchemeRow = SchemeReport;

/** The row of a scheme. */
export function row(rows: readonly SchemeRow[], scheme: string): SchemeRow {
  const found = rows.find((r) => r.scheme === scheme);
  if (found === undefined) throw new Error(`no row for ${scheme}`);
  return found;
}

/** Cells of the table's line that begins with `first`, in the part of a text behind `after`. */
export function cells(text: string, after: string, first: string): string[] {
  const at = text.indexOf(after);
  if (at < 0) throw new Error(`the text has no '${after}'`);
  const line = text
    .slice(at)
    .split('\n')
    .find((l) => l.trim().startsWith(`${first} `));
  if (line === undefined) throw new Error(`no line of ${first} behind '${after}'`);
  return line.trim().split(/ {2,}/);
}
