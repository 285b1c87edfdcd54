import { join, relative } from 'node:path/posix';
import type { Diagnostic, Location, Project } from '../model.js';
import { type Analysis, type Given, lifetimesWith, place } from './analysis.js';
import { PackagesResolver } from './packages-resolver.js';
import { enclosingFunction, Sources, ts } from './source.js';
import type { StateFinding } from './state.js';

/**
 * State of clients in sources that are not rewritten, which the project's service would share: those of other packages,
 * and of modules outside of the project. Where there are any, the program is read once more, together with them.
 */
export function findStateBeside(
  project: Project,
  { entry, sources, site }: Analysis,
  given: Given,
): readonly { readonly name: string; readonly at: Location }[] | { readonly diagnostic: Diagnostic } {
  const whole = new WholeSources(project, entry.file);
  const isOwn = (node: ts.Node): boolean => sources.files.has(whole.nameOf(node));
  if ([...whole.files.values()].every(isOwn)) return [];
  const lifetimes = lifetimesWith(whole, given, isOwn, place(sources.locationOf(site.call)));
  if ('diagnostic' in lifetimes) return lifetimes;
  return lifetimes.findings
    .filter((finding) => !isOwn(finding.declaration) && isShared(finding))
    .map(({ name, declaration }) => ({ name, at: whole.locationOf(declaration) }));
}

/** Is it kept by the module, not made anew for each server? */
const isShared = ({ declaration, decision, kind, stuck, byService }: StateFinding): boolean =>
  decision === 'isolate' &&
  kind !== 'credential' &&
  !byService &&
  (stuck === true || (!ts.isNewExpression(declaration) && !enclosingFunction(declaration)));

/** The program with all that it imports of what is known, in its own package and around it. */
class WholeSources extends Sources {
  /** Directory of the project among all files; what it is called does not matter. */
  private readonly own: string;

  constructor({ root, files, workspaceFiles = new Map() }: Project, entry: string) {
    const up = Math.max(0, ...[...workspaceFiles.keys()].map((path) => path.split('../').length - 1));
    const own = Array.from({ length: up }, () => 'own').join('/');
    const all = [...files, ...workspaceFiles].map(([path, text]) => [join(own, path), text] as const);
    const whole: Project = { root, files: new Map(all) };
    super(whole, join(own, entry), new PackagesResolver(whole));
    this.own = own;
  }

  /** The path of a node's file as the project has it. */
  nameOf(node: ts.Node): string {
    return relative(this.own, this.pathOf(node));
  }

  override locationOf(node: ts.Node): Location {
    return { ...super.locationOf(node), file: this.nameOf(node) };
  }
}
