import { basename, dirname, join, relative } from 'node:path/posix';
import { parse } from 'jsonc-parser';
import type { Location, Project } from '../model.js';
import { type Given, lifetimesFrom } from './analysis.js';
import { Resolver } from './resolver.js';
import { enclosingFunction, Sources, ts } from './source.js';
import type { StateFinding } from './state.js';

/**
 * State of clients in the workspace's other packages, which the project's service would share: their sources are not
 * rewritten. The program is read once more for it, together with them.
 */
export function findWorkspaceState(
  project: Project,
  entry: string,
  given: Given,
): readonly { readonly finding: StateFinding; readonly at: Location }[] {
  const whole = workspaceOf(project);
  if (!whole) return [];
  const sources = new Sources(whole.project, join(whole.own, entry), new WorkspaceResolver(whole));
  const isOwn = (path: string): boolean => path.startsWith(`${whole.own}/`);
  if ([...sources.files.keys()].every(isOwn)) return [];
  return (lifetimesFrom(sources, given)?.findings ?? [])
    .filter((finding) => !isOwn(sources.pathOf(finding.declaration)) && isShared(finding))
    .map((finding) => {
      const { file, ...place } = sources.locationOf(finding.declaration);
      return { finding, at: { file: relative(whole.own, file), ...place } };
    });
}

/** Is it kept by the module, not made anew for each server? */
const isShared = ({ declaration, decision, kind, stuck, byService }: StateFinding): boolean =>
  decision === 'isolate' &&
  kind !== 'credential' &&
  !byService &&
  (stuck === true || (!ts.isNewExpression(declaration) && !enclosingFunction(declaration)));

interface Workspace {
  /** All files, by their path from the workspace's root. */
  readonly project: Project;
  /** Directory of the project itself. */
  readonly own: string;
  /** Directories of the other packages, by name. */
  readonly members: ReadonlyMap<string, string>;
}

function workspaceOf(project: Project): Workspace | undefined {
  const { workspaceRoot, workspaceFiles } = project;
  if (workspaceRoot === undefined || !workspaceFiles) return undefined;
  // What the directories are called does not matter: paths between them lead up as often as there are any.
  const own = workspaceRoot.replaceAll('..', 'own-package');
  const files = [...project.files, ...workspaceFiles].map(([path, text]) => [join(own, path), text] as const);
  const members = new Map<string, string>();
  for (const [path, text] of files) {
    if (basename(path) !== 'package.json' || dirname(path) === '.' || dirname(path) === own) continue;
    const { name } = (parse(text) ?? {}) as { name?: string };
    if (name !== undefined && !members.has(name)) members.set(name, dirname(path));
  }
  if (members.size === 0) return undefined;
  return { project: { root: project.root, files: new Map(files) }, own, members };
}

/** Resolves imports in every package of a workspace as its own configuration says, and those of one package in another. */
class WorkspaceResolver extends Resolver {
  private readonly inside: ReadonlyMap<string, Resolver>;

  constructor(private readonly workspace: Workspace) {
    super(workspace.project);
    const { own, members, project } = workspace;
    this.inside = new Map(
      [own, ...members.values()].map((home) => [home, new Resolver(partOf(project, home))]),
    );
  }

  override resolve(from: string, specifier: string): string | undefined {
    if (specifier.startsWith('.')) return this.file(join(dirname(from), specifier));
    const home = [...this.inside.keys()].find((one) => from.startsWith(`${one}/`));
    const found = home && this.inside.get(home)?.resolve(relative(home, from), specifier);
    if (home && found) return join(home, found);
    for (const [name, directory] of this.workspace.members)
      if (specifier === name || specifier.startsWith(`${name}/`))
        return this.sourceOf(directory, `.${specifier.slice(name.length)}`);
    return undefined;
  }

  /** The source that is built to what a package exports under a path, `.` for the package itself. */
  private sourceOf(directory: string, path: string): string | undefined {
    const text = this.workspace.project.files.get(join(directory, 'package.json')) ?? '{}';
    const { exports, main, module } = parse(text) as Record<string, unknown>;
    const exported = (exports as Record<string, unknown> | undefined)?.[path];
    const targets = [
      exported,
      ...(path === '.' ? [exports, module, main, './src/index.js', './index.js'] : [path]),
    ];
    return targets
      .flatMap(targetsIn)
      .flatMap((target) => [target, target.replace(/^(?:\.\/)?[^./][^/]*\//, './src/')])
      .map((target) => this.file(join(directory, target.replace(/\.d\.([cm]?)ts$/, '.$1js'))))
      .find(Boolean);
  }
}

const partOf = ({ root, files }: Project, home: string): Project => ({
  root,
  files: new Map(
    [...files].flatMap(([path, text]) =>
      path.startsWith(`${home}/`) ? [[relative(home, path), text] as const] : [],
    ),
  ),
});

function targetsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return value && typeof value === 'object' ? Object.values(value).flatMap(targetsIn) : [];
}
