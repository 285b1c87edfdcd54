/** One run of a command: what was asked for, where it speaks, what it has come to, and how it ends. */

import { isError } from './diagnostics.js';
import { UnreadableProject } from './disk.js';
import type { Diagnostic, Options } from './model.js';
import { describeDiagnostic, lookOf, type Result, toJson } from './report.js';
import { Cancelled, plainScreen, type Screen } from './screen.js';
import { version } from './version.js';

/** What the command line said. */
export interface Flags {
  readonly dir: string;
  /** Options that were given; the others are open. */
  readonly features: Partial<Options>;
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly diff: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
  readonly install: boolean;
  readonly verify: boolean;
  readonly allowDirty: boolean;
}

export interface Run {
  readonly flags: Flags;
  readonly screen: Screen;
  readonly result: Result;
}

/** A step refused; the diagnostics are in the result. */
class Refused extends Error {}

export function refuse(run: Run, ...diagnostics: readonly Diagnostic[]): never {
  say(run, ...diagnostics);
  throw new Refused();
}

export function refuseOnErrors({ result }: Run): void {
  if (result.diagnostics.some(isError)) throw new Refused();
}

export function say({ result }: Run, ...diagnostics: readonly Diagnostic[]): void {
  result.diagnostics = [...result.diagnostics, ...diagnostics];
}

export const failed = ({ result }: Run): boolean =>
  result.diagnostics.some(isError) || result.checks.some((check) => check.status === 'fail');

/** Runs a command to its exit code: 0 done, 1 refused or failed checks, 2 wrong usage. */
export async function conclude(flags: Flags, work: (run: Run) => Promise<void>): Promise<number> {
  const run: Run = {
    flags,
    screen: await openScreen(flags),
    result: { changes: [], diagnostics: [], checks: [] },
  };
  let usage = false;
  try {
    await work(run);
  } catch (error) {
    if (error instanceof UnreadableProject) {
      say(run, error.diagnostic);
      usage = error.diagnostic.code === 'directory-missing';
    } else if (error instanceof Cancelled) {
      run.screen.close('Cancelled. Nothing was changed.');
      return 1;
    } else if (!(error instanceof Refused)) throw error;
  }
  const { result, screen } = run;
  for (const diagnostic of result.diagnostics) {
    if (!flags.quiet || isError(diagnostic)) screen.warn(describeDiagnostic(diagnostic, screen.look));
  }
  if (flags.json) process.stdout.write(`${JSON.stringify(toJson(result), null, 2)}\n`);
  return usage ? 2 : failed(run) ? 1 : 0;
}

/** Questions only where somebody can answer them and did not say otherwise. */
async function openScreen(flags: Flags): Promise<Screen> {
  const machine = flags.json || flags.diff;
  const stream = machine ? process.stderr : process.stdout;
  const look = lookOf(stream, flags.color);
  const ci = process.env.CI !== undefined && !['', '0', 'false'].includes(process.env.CI);
  const answerable = process.stdin.isTTY && process.stdout.isTTY && !ci;
  if (!answerable || machine || flags.yes || flags.quiet) return plainScreen(stream, look, flags.quiet);
  const { terminalScreen } = await import('./prompts.js');
  return terminalScreen(look, `create-mcp-prod ${version}`);
}
