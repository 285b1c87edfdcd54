/** Installing and building: the project as it was, so that the conversion is not blamed for what was broken; then the result. */

import { isInstalled, readProject } from './disk.js';
import type { Command, Inspection, Options, Project } from './model.js';
import { installCommand, scriptCommand } from './plan/plan-migration.js';
import { type Run, refuse } from './run.js';

/** Builds the project as it is, and records what its clients see. Refuses when it does not build. */
export async function recordBaseline(
  run: Run,
  { root }: Project,
  inspection: Inspection,
  options: Options,
): Promise<unknown> {
  const { packageManager, build } = inspection;
  const broken = { code: 'baseline-broken', title: 'Before the conversion' };
  if (!isInstalled(root, '@modelcontextprotocol'))
    await runStep(run, root, installCommand(packageManager), broken);
  if (build.script) await runStep(run, root, scriptCommand(packageManager, build.script), broken);
  const { recordSurface } = await import('./verify/record-surface.js');
  // Building may have written files; what was planned is compared with the disk once more before it is applied.
  return run.screen.step('Recording what stdio answers', () =>
    recordSurface({ project: readProject(root), options, inspection }),
  );
}

const titles: Readonly<Record<string, string>> = { install: 'Installing', build: 'Building' };
const LONGEST_MINUTES = 10;

/** Runs a command to its end, showing what it says; refuses when it fails. */
export async function runStep(
  run: Run,
  root: string,
  { command, args, purpose }: Command,
  as = { code: `${purpose}-failed`, title: titles[purpose] ?? purpose },
): Promise<void> {
  const { runCommand } = await import('./exec.js');
  const line = [command, ...args].join(' ');
  // A lock file has to change with package.json, also where CI freezes it.
  const env = { ...definedEnvironment(), YARN_ENABLE_IMMUTABLE_INSTALLS: 'false' };
  const finished = await run.screen.step(`${as.title}: ${line}`, (tell) =>
    runCommand(command, args, { cwd: root, env, timeoutMs: LONGEST_MINUTES * 60_000, onLine: tell }),
  );
  if (finished.code === 0) return;
  const reason = finished.timedOut
    ? `it took longer than ${LONGEST_MINUTES} minutes`
    : reasonIn(finished.output);
  refuse(run, { code: as.code, args: { command: line, reason } });
}

const definedEnvironment = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );

/** What went wrong, by its own words; the end of the output where it has none. */
function reasonIn(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '' && !/^npm warn/i.test(line));
  const errors = lines.filter((line) => /\berr(?:or)?\b/i.test(line));
  return (errors.length > 0 ? errors.slice(0, 8) : lines.slice(-12)).join('\n');
}
