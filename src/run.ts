/** One run of a command: what was asked for, where it speaks, what it has come to, and how it ends. */

import { isError } from './diagnostics.js';
import { UnreadableProject } from './disk.js';
import type { Diagnostic, Options } from './model.js';
import { describeDiagnostics, lookOf, type Result, toJson } from './report.js';
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
  readonly verification: VerificationFlags;
}

/** What only `verify` takes. */
export interface VerificationFlags {
  /** Format of the report on stdout; the terminal's own without it. */
  readonly reporter?: string;
  /** Tools that may be called although they do not declare themselves read-only. */
  readonly call: readonly string[];
  readonly replicas: boolean;
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

/** Reports findings, in the result and where somebody reads. */
export function say({ flags, screen, result }: Run, ...diagnostics: readonly Diagnostic[]): void {
  result.diagnostics = [...result.diagnostics, ...diagnostics];
  const shown = diagnostics.filter((one) => !flags.quiet || isError(one));
  for (const text of describeDiagnostics(shown, screen.look)) screen.warn(text);
}

/** How a command ended. */
export interface Outcome {
  /** 0 done, 1 refused or failed checks, 2 wrong usage. */
  readonly exitCode: 0 | 1 | 2;
  readonly result: Result;
}

export const failed = ({ result }: Run): boolean =>
  result.diagnostics.some(isError) || result.checks.some((check) => check.status === 'fail');

/** Runs a command to its end, whatever that is. */
export async function conclude(flags: Flags, work: (run: Run) => Promise<void>): Promise<Outcome> {
  const result: Result = { changes: [], diagnostics: [], checks: [] };
  const run: Run = { flags, screen: await openScreen(flags), result };
  const exitCode = await work(run).then(
    () => (failed(run) ? 1 : 0),
    (error: unknown) => exitCodeOf(run, error),
  );
  if (flags.json) process.stdout.write(`${JSON.stringify(toJson(result), null, 2)}\n`);
  return { exitCode, result };
}

function exitCodeOf(run: Run, error: unknown): 1 | 2 {
  if (error instanceof UnreadableProject) {
    say(run, error.diagnostic);
    return error.diagnostic.code === 'directory-missing' ? 2 : 1;
  }
  if (error instanceof Cancelled) run.screen.close('Cancelled. Nothing was changed.');
  else if (error instanceof Refused) run.screen.close('Stopped, for the reason above.');
  else throw error;
  return 1;
}

/** Questions only where somebody can answer them and did not say otherwise. */
async function openScreen(flags: Flags): Promise<Screen> {
  const machine = flags.json || flags.diff || flags.verification.reporter !== undefined;
  const stream = machine ? process.stderr : process.stdout;
  const look = lookOf(stream, flags.color);
  const ci = process.env.CI !== undefined && !['', '0', 'false'].includes(process.env.CI);
  const answerable = process.stdin.isTTY && process.stdout.isTTY && !ci;
  if (!answerable || machine || flags.yes || flags.quiet) return plainScreen(stream, look, flags.quiet);
  const { terminalScreen } = await import('./prompts.js');
  return terminalScreen(look, `create-mcp-prod ${version}`);
}
