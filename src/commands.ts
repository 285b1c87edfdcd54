/** The commands: the pipeline, top to bottom. */

import path from 'node:path';
import { recordBaseline, runStep } from './baseline.js';
import { isError, word } from './diagnostics.js';
import { applyChanges, readProject, readTemplate, recoverInterrupted } from './disk.js';
import type { Diagnostic, Inspection, Manifest, Options, Plan, Project } from './model.js';
import { nextSteps } from './next-steps.js';
import { flagOf, resolveOptions } from './options.js';
import { unifiedDiff } from './plan/line-changes.js';
import { MANIFEST, readManifest } from './plan/manifest.js';
import { planMigration } from './plan/plan-migration.js';
import { describeChanges, describeChecks, describeInspection, describeSessions } from './report.js';
import { conclude, type Flags, failed, type Outcome, type Run, refuse, refuseOnErrors, say } from './run.js';
import { Cancelled } from './screen.js';
import type { ReporterName } from './verify/reporters/report-verification.js';
import { version } from './version.js';

/** Converts a project, or changes what a converted one has. */
export const convert = (flags: Flags): Promise<Outcome> =>
  conclude(flags, async (run) => {
    const opened = await open(run);
    const inspection = await inspectOpened(run, opened);
    const { screen } = run;
    refuseOnErrors(run);
    const answers =
      (await screen.ask?.options(inspection, { ...opened.manifest?.options, ...flags.features })) ?? {};
    const decides = answers.share !== undefined || answers.credentials === 'header';
    const final = decides ? await inspectWith(run, opened, answers) : inspection;
    await carryOut(run, opened, final, { ...flags.features, ...answers });
  });

/** Brings the generated files of a converted project to this version. */
export const update = (flags: Flags): Promise<Outcome> =>
  conclude(flags, async (run) => {
    const opened = await open(run);
    if (!opened.manifest) refuse(run, { code: 'not-converted', args: { dir: flags.dir } });
    const inspection = await inspectOpened(run, opened);
    await carryOut(run, opened, inspection, flags.features);
  });

/** Says what was found. */
export const inspect = (flags: Flags): Promise<Outcome> =>
  conclude(flags, async (run) => {
    const opened = await open(run);
    const inspection = await inspectOpened(run, opened);
    run.result.options = resolveOptions(flags.features, opened.manifest, inspection);
    if (opened.manifest) {
      say(run, { code: 'already-converted', args: { version: opened.manifest.version } });
    } else if (!run.result.diagnostics.some(isError)) {
      // Only planning knows whether the rewrite goes through.
      const plan = await planFor(opened, inspection, run.result.options);
      say(run, ...plan.diagnostics);
    }
  });

/** Proves a converted project. */
export const verify = (flags: Flags): Promise<Outcome> =>
  conclude(flags, async (run) => {
    const opened = await open(run);
    if (!opened.manifest) refuse(run, { code: 'not-converted', args: { dir: flags.dir } });
    const inspection = await inspectOpened(run, opened);
    run.result.options = resolveOptions({}, opened.manifest, inspection);
    await prove(run);
  });

interface Opened {
  readonly project: Project;
  readonly manifest?: Manifest;
}

/** Repairs what an interrupted run left, then reads the project. */
async function open(run: Run): Promise<Opened> {
  const { dir } = run.flags;
  const recovered = recoverInterrupted(dir);
  if (recovered.outcome === 'refused') refuse(run, ...recovered.diagnostics);
  if (recovered.outcome === 'rolled-back') say(run, { code: 'run-recovered', args: {} });
  const opened = readOpened(run);
  say(run, ...(opened.project.diagnostics ?? []));
  return opened;
}

function readOpened(run: Run): Opened {
  const project = readProject(run.flags.dir);
  const manifest = readManifest(project);
  if (manifest && 'code' in manifest) refuse(run, manifest);
  return { project, ...(manifest ? { manifest } : {}) };
}

/** Inspects with what was chosen: the entry, what clients may share, and what each sends for itself. */
async function inspectWith(
  run: Run,
  { project, manifest }: Opened,
  more: Partial<Options>,
): Promise<Inspection> {
  const { inspectProject } = await import('./inspect/inspect-project.js');
  const { entry, state, share, credentials, credentialHeader } = {
    ...manifest?.options,
    ...run.flags.features,
    ...more,
  };
  run.result.inspection = inspectProject(project, {
    ...(entry ? { entry } : {}),
    ...(state ? { state } : {}),
    ...(share ? { share } : {}),
    ...(credentials ? { credentials } : {}),
    ...(credentialHeader ? { credentialHeader } : {}),
  });
  return run.result.inspection;
}

async function inspectOpened(run: Run, opened: Opened): Promise<Inspection> {
  let inspection = await inspectWith(run, opened, {});
  if (!inspection.entry && inspection.candidates.length > 1 && run.screen.ask) {
    inspection = await inspectWith(run, opened, { entry: await run.screen.ask.entry(inspection.candidates) });
  }
  run.screen.show('Found', describeInspection(inspection, run.screen.look));
  // What would refuse a conversion does not matter to a project that has been converted.
  if (!opened.manifest) say(run, ...inspection.diagnostics);
  return inspection;
}

/** A plan, and how the service will get its servers. */
type Planned = Plan & Pick<Manifest, 'seam'>;

async function planFor(
  { project, manifest }: Opened,
  inspection: Inspection,
  options: Options,
  surface?: unknown,
): Promise<Planned> {
  const { generateService } = await import('./generate/generate-service.js');
  const service = (seam: Manifest['seam']) =>
    generateService({ project, inspection, options, seam, readTemplate });
  if (manifest) {
    const { seam } = manifest;
    const fixed = changesOfFixed(manifest, options);
    if (fixed.length > 0) return { changes: [], commands: [], diagnostics: fixed, seam };
    return { ...planMigration({ project, inspection, options, manifest, service: service(seam) }), seam };
  }
  const { rewriteProject } = await import('./rewrite/rewrite-project.js');
  const rewrite = rewriteProject(project, inspection, options);
  const { seam, diagnostics } = rewrite;
  if (diagnostics.some(isError)) return { changes: [], commands: [], diagnostics, seam };
  return {
    ...planMigration({ project, inspection, options, rewrite, surface, service: service(seam) }),
    seam,
  };
}

/** Options that the rewritten sources carry; a converted project cannot take others. */
const FIXED = [
  'entry',
  'out',
  'sessions',
  'state',
  'share',
  'isolation',
  'credentials',
  'credentialHeader',
] as const;

function changesOfFixed(manifest: Manifest, options: Options): readonly Diagnostic[] {
  return FIXED.filter((key) => JSON.stringify(options[key]) !== JSON.stringify(manifest.options[key])).map(
    (key) => ({
      code: 'option-fixed',
      args: { flag: flagOf(key), has: String(manifest.options[key]) },
    }),
  );
}

/** Plan → preview → apply → install → build → verify. */
async function carryOut(
  run: Run,
  opened: Opened,
  inspection: Inspection,
  given: Partial<Options>,
): Promise<void> {
  const { flags, screen, result } = run;
  const wanted = resolveOptions(given, opened.manifest, inspection);
  const { options, plan } = await acceptWorkers(run, opened, inspection, wanted);
  result.options = options;
  say(run, ...plan.diagnostics);
  result.changes = plan.changes;
  refuseOnErrors(run);
  preview(run, plan);
  if (flags.dryRun) return screen.close('Nothing was changed (--dry-run).');
  if (plan.changes.length === 0) return screen.close('The project is converted and up to date.');
  if (!flags.allowDirty) await refuseDirty(run, opened.project, plan);
  if (screen.ask && !(await screen.ask.proceed('Make these changes?'))) throw new Cancelled();

  const { root } = opened.project;
  const { seam } = plan;
  const proven = flags.install && flags.verify;
  const surface =
    proven && !opened.manifest ? await recordBaseline(run, opened.project, inspection, options) : undefined;
  const final = surface === undefined ? plan : await planFor(opened, inspection, options, surface);
  const applied = await applyChanges(root, final.changes);
  if (applied.outcome === 'refused') refuse(run, ...applied.diagnostics);
  const left = flags.install ? [] : plan.commands;
  // Verifying builds by itself.
  const now = plan.commands.filter((command) => flags.install && !(proven && command.purpose === 'build'));
  for (const command of now) await runStep(run, root, command);
  if (proven) await prove(run);
  screen.show('Next', nextSteps({ dir: flags.dir, inspection, options, seam, left }));
  screen.close(failed(run) ? 'Converted, but not proven: see above.' : 'Done.');
}

/** What cannot be separated in the sources, a worker for each session separates; only who runs this may choose it. */
async function acceptWorkers(
  { screen }: Run,
  opened: Opened,
  inspection: Inspection,
  options: Options,
): Promise<{ readonly options: Options; readonly plan: Planned }> {
  const plan = await planFor(opened, inspection, options);
  const errors = plan.diagnostics.filter(isError);
  const [first] = errors;
  if (!screen.ask || !first || !errors.every(({ code }) => SETTLED_BY_WORKERS.has(code)))
    return { options, plan };
  const inWorkers = { ...options, isolation: 'worker' } as const;
  const other = await planFor(opened, inspection, inWorkers);
  if (other.diagnostics.some(isError)) return { options, plan };
  const question = `${word(first).message} Give every session a worker of its own? That is slower, and larger.`;
  return (await screen.ask.proceed(question)) ? { options: inWorkers, plan: other } : { options, plan };
}

/** What refuses a project because clients share a process. */
const SETTLED_BY_WORKERS: ReadonlySet<string> = new Set([
  'state-not-isolated',
  'registered-when-loaded',
  'credential-not-followed',
  'credential-only-checked',
]);

function preview({ flags, screen }: Run, { changes, seam }: Planned): void {
  screen.show('Plan', `${describeChanges(changes, screen.look)}\n\n${describeSessions(seam, screen.look)}`);
  if (flags.diff) (flags.json ? process.stderr : process.stdout).write(unifiedDiff(changes));
}

async function refuseDirty(run: Run, project: Project, plan: Plan): Promise<void> {
  const { uncommitted } = await import('./git.js');
  const files = await uncommitted(
    project.root,
    plan.changes.filter((change) => change.before !== null).map((change) => change.path),
  );
  if (files.length > 0) refuse(run, { code: 'git-dirty', args: { files: files.join(', ') } });
}

/** Reads the project again, as it is now, and verifies it. */
async function prove(run: Run): Promise<void> {
  const { verifyProject } = await import('./verify/verify-project.js');
  const opened = readOpened(run);
  const { project, manifest } = opened;
  const { inspection, options } = run.result;
  if (!manifest || !inspection || !options) throw new Error(`${MANIFEST} is missing after the conversion`);
  const plan = await planFor(opened, inspection, options);
  const { call, replicas, reporter } = run.flags.verification;
  const verification = await run.screen.step('Verifying', (tell) =>
    verifyProject({
      project,
      manifest,
      inspection,
      options,
      plan,
      call,
      replicas,
      measure: reporter === 'html',
      onProgress: (id) => tell(id),
    }),
  );
  run.result.checks = verification.checks;
  const shown = verification.checks.filter((check) => !run.flags.quiet || check.status === 'fail');
  if (shown.length > 0) run.screen.warn(describeChecks(shown, run.screen.look));
  if (!reporter) return;
  const { reportVerification } = await import('./verify/reporters/report-verification.js');
  const { name = path.basename(project.root) } = JSON.parse(
    (project.files.get('package.json') ?? '{}').replace(/^\uFEFF/, ''),
  );
  const report = { name, version, verification, inspection, options, manifest };
  process.stdout.write(`${reportVerification(reporter as ReporterName, report)}\n`);
}
