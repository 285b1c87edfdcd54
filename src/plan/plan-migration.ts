/** Merges what the rewriter and the generator made into one plan: one change a path, the manifest last. */

import { isError } from '../diagnostics.js';
import type {
  Change,
  Command,
  Diagnostic,
  GeneratedFile,
  GeneratedService,
  Inspection,
  Manifest,
  Options,
  PackageManager,
  Plan,
  Project,
  Rewrite,
} from '../model.js';
import { version } from '../version.js';
import { MANIFEST, printManifest } from './manifest.js';
import { mergePackageJson } from './package-json.js';
import { reconcile } from './reconcile.js';

interface Producers {
  readonly project: Project;
  readonly inspection: Inspection;
  readonly options: Options;
  readonly service: GeneratedService;
}

/** A project that is converted for the first time has a rewrite, a converted one a manifest. */
export type Origin =
  | { readonly rewrite: Rewrite; readonly manifest?: undefined; readonly surface?: unknown }
  | { readonly manifest: Manifest; readonly rewrite?: undefined };

/** A file of the service in the plan: what is done about it, and the text the next update starts from. */
interface Placed {
  readonly path: string;
  readonly change?: Change;
  readonly diagnostic?: Diagnostic;
  readonly base?: string;
}

/** Everything a run would do, as a value. */
export function planMigration(input: Producers & Origin): Plan {
  const { project, inspection, service, rewrite, manifest } = input;
  const packageJson = planPackageJson(input);
  const placed = [
    ...service.files.map((file) => place(project, file, input.options.out, manifest?.base[file.path])),
    ...(manifest ? retire(project, manifest, service) : []),
  ];
  const diagnostics = [
    ...(rewrite?.diagnostics ?? []),
    ...service.diagnostics,
    ...packageJson.diagnostics,
    ...placed.flatMap((one) => one.diagnostic ?? []),
  ];
  if (diagnostics.some(isError)) return { changes: [], commands: [], diagnostics };
  const changes = [
    ...(rewrite?.changes ?? []).filter((change) => change.path !== PACKAGE),
    packageJson.change,
    ...placed.flatMap((one) => one.change ?? []),
    ...(manifest ? [] : [planAttributes(project)]),
    planManifest(input, placed),
  ].filter((change) => change.before !== change.after);
  return { changes, commands: commandsFor(changes, inspection, packageJson.change.after), diagnostics };
}

const PACKAGE = 'package.json';

function planPackageJson(input: Producers & Origin): {
  change: Change & { readonly after: string };
  diagnostics: readonly Diagnostic[];
} {
  const { project, service, rewrite, manifest } = input;
  const before = project.files.get(PACKAGE) ?? '{}\n';
  const rewritten = rewrite?.changes.find((change) => change.path === PACKAGE)?.after ?? before;
  const merged = mergePackageJson(rewritten, {
    dependencies: service.dependencies,
    devDependencies: service.devDependencies,
    scripts: service.scripts,
    keepScripts: manifest !== undefined,
  });
  const why = 'dependencies and scripts of the HTTP service';
  return { change: { path: PACKAGE, before, after: merged.text, why }, diagnostics: merged.diagnostics };
}

function place(project: Project, file: GeneratedFile, out: string, base: string | undefined): Placed {
  const { path, text, why } = file;
  const mine = project.files.get(path) ?? null;
  if (base !== undefined) return update(file, mine, base);
  if (mine === null || mine === text)
    return { path, base: text, change: { path, before: mine, after: text, why } };
  // The service cannot run without its own files; of others the project may have its own.
  const code = path.startsWith(`${out}/`) ? 'path-taken' : 'path-kept';
  return { path, diagnostic: { code, at: { file: path, line: 1, column: 1 }, args: { file: path } } };
}

function update({ path, text, why }: GeneratedFile, mine: string | null, base: string): Placed {
  const result = reconcile(base, mine, text);
  if (result.outcome === 'write')
    return { path, base: text, change: { path, before: mine, after: result.text, why } };
  if (result.outcome === 'keep') return { path, base: text };
  return {
    path,
    diagnostic: { code: 'update-conflict', at: { file: path, line: 1, column: 1 }, args: { file: path } },
  };
}

/** Files that were generated once and are not any more. */
function retire(project: Project, manifest: Manifest, service: GeneratedService): readonly Placed[] {
  const current = new Set(service.files.map((file) => file.path));
  return Object.entries(manifest.base)
    .filter(([path]) => !current.has(path))
    .map(([path, base]): Placed => {
      const mine = project.files.get(path) ?? null;
      const result = reconcile(base, mine, null);
      if (result.outcome === 'write')
        return { path, change: { path, before: mine, after: null, why: 'no longer chosen' } };
      if (result.outcome === 'keep') return { path };
      return { path, diagnostic: { code: 'file-kept', args: { file: path } } };
    });
}

function planManifest(input: Producers & Origin, placed: readonly Placed[]): Change {
  const { project, options, manifest } = input;
  const before = project.files.get(MANIFEST) ?? null;
  const surface = manifest ? manifest.surface : input.surface;
  const next: Manifest = {
    version,
    options,
    seam: (input.manifest ?? input.rewrite).seam,
    base: Object.fromEntries(placed.flatMap((one) => (one.base === undefined ? [] : [[one.path, one.base]]))),
    ...(surface === undefined ? {} : { surface }),
  };
  // A formatter may have been over it; only its content counts.
  const same = manifest !== undefined && JSON.stringify(manifest) === JSON.stringify(next);
  const after = same ? before : printManifest(next);
  return { path: MANIFEST, before, after, why: 'what verify and update need to know' };
}

/** Keeps the manifest, which holds whole files, out of reviews. */
function planAttributes(project: Project): Change {
  const path = '.gitattributes';
  const before = project.files.get(path) ?? null;
  const eol = before?.includes('\r\n') ? '\r\n' : '\n';
  const start = before === null || before === '' || before.endsWith('\n') ? (before ?? '') : before + eol;
  const after = start.includes(MANIFEST) ? before : `${start}${MANIFEST} linguist-generated${eol}`;
  return { path, before, after, why: 'folds the manifest in reviews' };
}

const installs: Readonly<Record<PackageManager, readonly string[]>> = {
  npm: ['install', '--no-audit', '--no-fund'],
  pnpm: ['install', '--no-frozen-lockfile'],
  yarn: ['install'],
  bun: ['install'],
};

export const installCommand = (packageManager: PackageManager): Command => ({
  command: packageManager,
  args: installs[packageManager],
  purpose: 'install',
});

export const scriptCommand = (packageManager: PackageManager, script: string): Command => ({
  command: packageManager,
  args: ['run', script],
  purpose: 'build',
});

/** Installs only when the plan touches package.json; builds what has to be built before the service starts. */
function commandsFor(
  changes: readonly Change[],
  inspection: Inspection,
  packageText: string,
): readonly Command[] {
  const { packageManager, build } = inspection;
  if (changes.length === 0) return [];
  const { scripts } = JSON.parse(packageText.replace(/^\uFEFF/, '')) as { scripts?: Record<string, string> };
  const own = build.script === undefined ? undefined : scripts?.[build.script];
  const builds = [build.script, own?.includes(HTTP_BUILD) ? undefined : HTTP_BUILD].filter(
    (name) => name && scripts?.[name],
  );
  return [
    ...(changes.some((change) => change.path === PACKAGE) ? [installCommand(packageManager)] : []),
    ...builds.map((name) => scriptCommand(packageManager, name as string)),
  ];
}

/** The script of the HTTP service's own build step, where the project's build does not emit it. */
const HTTP_BUILD = 'build:http';
