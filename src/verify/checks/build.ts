import { runCommand } from '../../exec.js';
import { type Site, scriptsOf } from '../site.js';
import { pass, skip, type Verdict, verdict } from '../verification.js';

/** Names that projects give to the script that checks their types. */
const TYPE_SCRIPTS = ['typecheck', 'type-check', 'check-types', 'types:check', 'check:types', 'tsc'];

/** Runs what builds the project, then what builds the HTTP service where that is a step of its own. */
export async function checkBuild(site: Site, timeoutMs: number): Promise<Verdict> {
  const scripts = scriptsOf(site.project);
  const wanted = [site.inspection.build.script, 'build:http'].filter(
    (name) => name && scripts[name],
  ) as string[];
  const steps = wanted.filter(
    (name) => name !== 'build:http' || !callsHttpBuild(scripts, site.inspection.build.script),
  );
  if (steps.length === 0) return skip('nothing is built');
  for (const script of steps) {
    const found = await failures(site, site.inspection.packageManager, ['run', script], timeoutMs);
    if (found) return verdict([`${script}: ${found[0]}`, ...found.slice(1)], '');
  }
  return pass(steps.join(', '));
}

const callsHttpBuild = (scripts: Readonly<Record<string, string>>, script: string | undefined) =>
  script !== undefined && /\bbuild:http\b/.test(scripts[script] ?? '');

/**
 * Runs the project's own type check; without one the compiler itself, and then only what the conversion wrote
 * counts, because a project that never checks its types may have errors of its own.
 */
export async function checkTypes(site: Site, timeoutMs: number): Promise<Verdict> {
  const { project, inspection, manifest } = site;
  if (inspection.language !== 'ts') return skip('the project is JavaScript');
  const script = TYPE_SCRIPTS.find((name) => scriptsOf(project)[name] !== undefined);
  if (script) {
    const found = await failures(site, inspection.packageManager, ['run', script], timeoutMs);
    return found ? verdict(found, '') : pass(script);
  }
  if (inspection.build.kind === 'tsc' && inspection.build.script) return skip('the build checks them');
  if (!inspection.build.tsconfig) return skip('the project has no tsconfig');
  const found = await failures(
    site,
    'tsc',
    ['--noEmit', '--pretty', 'false', '-p', inspection.build.tsconfig],
    timeoutMs,
  );
  if (!found) return pass(`tsc -p ${inspection.build.tsconfig}`);
  const ours = new Set([...Object.keys(manifest.base), manifest.seam.module]);
  const written = found.filter((line) => ours.has(line.split('(')[0]!) || !line.includes('error TS'));
  return written.length > 0
    ? verdict(written, '')
    : pass(
        `${found.length} errors, none in what the conversion wrote (the project has no type check of its own)`,
      );
}

/** Lines that say what went wrong; undefined when nothing did. */
async function failures(
  site: Site,
  command: string,
  args: readonly string[],
  timeoutMs: number,
): Promise<string[] | undefined> {
  const done = await runCommand(command, args, { cwd: site.project.root, timeoutMs });
  if (done.code === 0) return undefined;
  if (done.timedOut) return [`${command} ${args.join(' ')} did not finish in ${timeoutMs / 1000} s`];
  const lines = done.output.split('\n').filter((line) => line.trim());
  const errors = lines.filter((line) => /error/i.test(line));
  return (errors.length > 0 ? errors : lines.slice(-5))
    .slice(0, 50)
    .concat(lines.length === 0 ? ['no output'] : []);
}
